import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseConfigDocument } from './config-document.ts';
import { parseConfig } from './config.ts';
import { FAKE_ENV } from './client/fake-api.ts';
import { settingsToYaml } from './config-text.ts';
import { readConfiguredServers } from './configured-servers.ts';

const FILE = `
fleet: {interval: 30s}
servers:
  - id: web-1
    roles: [app]
    sources:
      - {kind: exporter, url: 'https://web-1:9100', secret: {env: DROVER_SECRET_WEB}}
      - {kind: proxmox, url: 'https://pve:8006', secret: {file: PATH}, insecure: true}
      - {kind: local}
  - {id: web-2, sources: [{kind: qdrant, url: 'http://web-2:6333', secret: hunter2}]}
`;

function parse(text: string) {
  const file = parseConfigDocument({ path: 'drover.yaml', text });
  return parseConfig({ flags: new Map(), env: FAKE_ENV, file });
}

describe('readConfiguredServers', () => {
  it('reads secrets where the configuration says they are', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-servers-'));
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    const path = join(directory, 'token');
    await writeFile(path, 'ada@pam!drover=s3cret\n');
    const { config, inForce } = parse(FILE.replace('PATH', path));
    assert.equal(config.fleet.intervalMs, 30_000);
    const variables = { DROVER_SECRET_WEB: 'from the environment' };
    const [first, second] = await readConfiguredServers(config.fleet.servers, variables);
    assert.deepEqual(
      [...(first?.sources ?? []), ...(second?.sources ?? [])].map(({ secret }) => secret),
      [
        { kind: 'given', text: 'from the environment' },
        { kind: 'given', text: 'ada@pam!drover=s3cret' },
        { kind: 'none' },
        { kind: 'given', text: 'hunter2' },
      ],
    );
    const shown = settingsToYaml(inForce);
    assert.match(shown, /id: web-2/);
    assert.doesNotMatch(shown, /hunter2|DROVER_SECRET_WEB/);
  });

  it('names the source whose secret is not there', async () => {
    const { config } = parse(FILE);
    const read = readConfiguredServers(config.fleet.servers, {});
    await assert.rejects(read, {
      message: /^servers\[0\]\.sources\[0\]\.secret\.env: must name a variable that is set/,
    });
  });
});
