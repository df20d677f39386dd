import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { FAKE_ENV } from './client/fake-api.ts';
import { parseConfig } from './config.ts';
import { parseConfigDocument } from './config-document.ts';
import type { FlagValue } from './config-reader.ts';
import { ALL_SETTINGS, OTHER_VARIABLES } from './config-settings.ts';
import type { AnySetting } from './config-settings.ts';
import { settingsToYaml } from './config-text.ts';

interface Input {
  readonly flags?: Readonly<Record<string, FlagValue>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function parse({ flags = {}, variables = {}, file }: Input) {
  return parseConfig({
    flags: new Map(Object.entries(flags)),
    env: { ...FAKE_ENV, variables },
    ...(file === undefined
      ? {}
      : { file: parseConfigDocument({ path: '/etc/drover/drover.yaml', text: file }) }),
  });
}

describe('settingsToYaml', () => {
  it('masks every password, and Config holds none', () => {
    const variables = {
      DROVER_DATABASE: 'postgres://ada:hunter2@db/drover?sslpassword=hunter2&sslmode=require',
    };
    const { config, secrets, inForce } = parse({ variables });
    assert.ok(secrets.databaseUrl.includes('hunter2'));
    assert.doesNotMatch(settingsToYaml(inForce), /hunter2/);
    assert.match(settingsToYaml(inForce), /^database: postgres:\/\/ada:\*\*\*@db\/drover\?/m);
    assert.doesNotMatch(JSON.stringify(config), /hunter2/);
    const file =
      'migration: {webhooks: [{url: "https://x/y", secret: hunter2, headers: {A: hunter2}}]}';
    const hooks = settingsToYaml(parse({ file }).inForce);
    assert.match(hooks, /\{ url: https:\/\/x\/y, secret: "\*\*\*", headers: "\*\*\*" \}/);
    assert.doesNotMatch(hooks, /hunter2/);
  });

  it('writes a file that gives the same configuration again', () => {
    const first = parse({
      flags: {
        host: '0.0.0.0',
        insecure: true,
        listen: ['vm-service=9000'],
        'tls-cert': 'c',
        'tls-key': 'k',
      },
      variables: { DROVER_QUOTAS_MACHINES: 'unlimited', DROVER_QUOTAS_MEMORY: '1000003KiB' },
      file: 'capacity: {memory: 3GiB}\nhostId: h1\n',
    });
    const yaml = settingsToYaml(first.inForce);
    const second = parse({ file: yaml });
    assert.deepEqual(second.config, first.config);
    assert.deepEqual(second.secrets, first.secrets);
  });

  it('says where each value comes from', () => {
    const yaml = settingsToYaml(parse({ flags: { port: '9000' } }).inForce);
    assert.match(yaml, /^port: 9000 {2}# --port$/m);
    assert.match(yaml, /^ {2}jwt:\n {4}# issuer: not set$/m);
  });
});

/** A row of the page's table; the formatter pads it, so spaces do not count. */
function settingToRow(setting: AnySetting): string {
  const { key, variable, flag, doc } = setting;
  const shown = parse({}).inForce.find((one) => one.setting === setting)?.shown ?? 'not set';
  const text = Array.isArray(shown) ? shown.join(', ') : JSON.stringify(shown).replaceAll('"', '');
  const fallback = setting.fallbackDoc ?? text;
  return `| \`${key}\` | \`${variable}\` | \`--${flag}\` | ${fallback} | ${doc} |`;
}

describe('the table of settings', () => {
  it('is read whole', () => {
    const keys = parse({}).inForce.map(({ setting }) => setting.key);
    assert.deepEqual(
      keys,
      ALL_SETTINGS.map(({ key }) => key),
    );
  });

  it('gives each setting a key, a variable and a flag of its own', () => {
    for (const part of ['key', 'variable', 'flag'] as const) {
      assert.equal(new Set(ALL_SETTINGS.map((setting) => setting[part])).size, ALL_SETTINGS.length);
    }
    const clientCa = ALL_SETTINGS.find(({ key }) => key === 'tls.clientCa');
    assert.equal(clientCa?.variable, 'DROVER_TLS_CLIENT_CA');
    assert.equal(clientCa?.flag, 'tls-client-ca');
  });

  it('is documented setting by setting', () => {
    const page = new URL('../../../docs/configuration.md', import.meta.url);
    const text = readFileSync(page, 'utf8');
    const rows = new Set(text.split('\n').map((line) => line.replaceAll(/\s+/g, ' ').trim()));
    for (const setting of ALL_SETTINGS) {
      const row = settingToRow(setting);
      assert.ok(rows.has(row), `docs/configuration.md must hold the row\n${row}`);
    }
    for (const variable of OTHER_VARIABLES) assert.ok(text.includes(variable), variable);
  });
});
