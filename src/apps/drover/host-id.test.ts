import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

import { parseConfig } from './config.ts';
import { loadConfig } from './config-file.ts';
import { FAKE_ENV } from './client/fake-api.ts';
import { hostnameToId, loadHostId } from './host-id.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-host-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function config(hostname: string, hostId?: string) {
  const flags = new Map<string, string>([['data', join(directory, 'data')]]);
  if (hostId !== undefined) flags.set('host-id', hostId);
  return parseConfig({ flags, env: { ...FAKE_ENV, hostname } }).config;
}

describe('loadHostId', () => {
  it("is the host's name at first, and stays when the host is renamed", async () => {
    assert.equal(await loadHostId(config('first.example')), 'first.example');
    assert.equal(await loadHostId(config('second')), 'first.example');
    assert.equal(await readFile(join(directory, 'data', 'host-id'), 'utf8'), 'first.example\n');
  });

  it('refuses a setting that would orphan the machines of this folder', async () => {
    assert.equal(await loadHostId(config('x', 'chosen')), 'chosen');
    assert.equal(await loadHostId(config('x', 'chosen')), 'chosen');
    await assert.rejects(loadHostId(config('x', 'other')), {
      kind: 'failed_precondition',
      reason: 'HOST_ID_CHANGED',
    });
  });

  it('does not guess when the file is damaged', async () => {
    await loadHostId(config('x'));
    await writeFile(join(directory, 'data', 'host-id'), '???');
    await assert.rejects(loadHostId(config('x')), { kind: 'data_loss' });
  });

  it('makes an id of any name', () => {
    assert.equal(hostnameToId('web 01_ä'), 'web-01_-');
    assert.equal(hostnameToId('---'), 'host');
    assert.equal(hostnameToId(''), 'host');
    assert.equal(hostnameToId('a'.repeat(99)).length, 63);
  });
});

describe('loadConfig', () => {
  const env = () => ({ ...FAKE_ENV, currentDir: directory, configHome: join(directory, 'xdg') });

  it('reads the file that a flag names, else that of the variable', async () => {
    await writeFile(join(directory, 'a.yaml'), 'port: 1\n');
    await writeFile(join(directory, 'b.yaml'), 'port: 2\n');
    const variables = { DROVER_CONFIG: 'b.yaml' };
    const byFlag = await loadConfig(new Map([['config', 'a.yaml']]), { ...env(), variables });
    assert.equal(byFlag.config.port, 1);
    assert.equal(byFlag.configPath, join(directory, 'a.yaml'));
    assert.equal((await loadConfig(new Map(), { ...env(), variables })).config.port, 2);
  });

  it('does without the file of the default place, but not without one that was named', async () => {
    const { configPath } = await loadConfig(new Map(), env());
    assert.equal(configPath, undefined);
    await assert.rejects(loadConfig(new Map([['config', 'no.yaml']]), env()), {
      message: `config (--config): there is no file ${join(directory, 'no.yaml')}`,
    });
    await assert.rejects(loadConfig(new Map([['config', '.']]), env()), {
      message: `config: ${directory} cannot be read (EISDIR)`,
    });
  });
});
