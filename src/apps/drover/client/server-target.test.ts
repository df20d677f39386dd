import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';

import { OptionValues } from '#apps/drover/command.ts';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { apiErrorToDrover } from './api-error.ts';
import { FAKE_ENV } from './fake-api.ts';
import { connectTo, readServerTarget, SERVER_OPTIONS } from './server-target.ts';

function target(
  options: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
  currentDir = '/nowhere',
) {
  const values = new OptionValues(new Map(Object.entries(options)), SERVER_OPTIONS);
  return readServerTarget(values, { ...FAKE_ENV, variables, currentDir });
}

describe('readServerTarget', () => {
  it('asks the server of this host, in dev mode, when nothing is said', async () => {
    assert.deepEqual(await target({}), {
      url: 'http://127.0.0.1:8080',
      token: 'dev_customer_local',
      ca: undefined,
    });
  });

  it('makes up no token for a server elsewhere', async () => {
    const { url, token } = await target({ server: 'drover.example:8080/' });
    assert.equal(url, 'http://drover.example:8080');
    assert.equal(token, undefined);
  });

  it('takes the token nearest to the command', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-target-'));
    try {
      await writeFile(join(directory, 'a'), 'from-file-a\n');
      const variables = { DROVER_TOKEN: 'from-variable', DROVER_TOKEN_FILE: 'a' };
      const token = async (options: Readonly<Record<string, string>>, names: string[]) => {
        const given = Object.entries(variables).filter(([name]) => names.includes(name));
        return (await target(options, Object.fromEntries(given), directory)).token;
      };
      const both = Object.keys(variables);
      assert.equal(await token({ token: 'x', 'token-file': 'a' }, both), 'x');
      assert.equal(await token({ 'token-file': 'a' }, both), 'from-file-a');
      assert.equal(await token({}, both), 'from-variable');
      assert.equal(await token({}, ['DROVER_TOKEN_FILE']), 'from-file-a');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('refuses what is no URL and what is no token, without repeating the token', async () => {
    await assert.rejects(target({ server: 'ftp://x' }), {
      message: 'server: must be a URL such as http://127.0.0.1:8080, not ftp://x',
    });
    await assert.rejects(target({ token: 'se cret' }), (thrown: Error) => {
      assert.doesNotMatch(thrown.message, /cret/);
      return true;
    });
    await assert.rejects(target({ 'token-file': 'missing' }), {
      message: '--token-file: /nowhere/missing cannot be read (ENOENT)',
    });
  });
});

describe('connectTo', () => {
  it('sends the token, and tells a lost connection from a server that is not there', async () => {
    let authorization: string | null = '';
    const server = createServer(
      connectNodeAdapter({
        routes({ service }) {
          service(VmService, {
            listVms(_request, { requestHeader }) {
              authorization = requestHeader.get('authorization');
              throw new ConnectError('full', Code.ResourceExhausted);
            },
          });
          service(Machines, {
            async *console() {
              yield { data: Buffer.from('x'), nextOffset: 1n };
              await Promise.withResolvers<void>().promise;
            },
          });
        },
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using stack = new AsyncDisposableStack();
    stack.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const transport = await connectTo({ url, token: 'secret', ca: undefined });
    const failure = async (call: Promise<unknown>) =>
      apiErrorToDrover(
        await call.then(
          () => assert.fail('it worked'),
          (thrown: unknown) => thrown,
        ),
        url,
      );

    const refused = await failure(createClient(VmService, transport).listVms({}));
    assert.equal(refused.kind, 'resource_exhausted');
    assert.equal(refused.message, 'full');
    assert.equal(authorization, 'Bearer secret');

    const pieces: string[] = [];
    const reading = async () => {
      for await (const { data } of createClient(Machines, transport).console({ follow: true })) {
        pieces.push(Buffer.from(data).toString());
        server.closeAllConnections();
      }
    };
    const lost = await failure(reading());
    assert.deepEqual(pieces, ['x']);
    assert.equal(lost.kind, 'unavailable');
    assert.equal(lost.reason, 'CONNECTION_LOST');

    server.close();
    await once(server, 'close');
    const gone = await failure(createClient(VmService, transport).listVms({}));
    assert.equal(gone.reason, 'SERVER_UNREACHABLE');
    assert.equal(gone.message, `cannot reach the server at ${url} (ECONNREFUSED)`);
  });
});
