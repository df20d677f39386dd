/** What only a real process shows: streams, signals and exit codes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';

import { connectNodeAdapter } from '@connectrpc/connect-node';

import { Machines } from '#gen/drover/v1/machines_pb.js';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

function start(...argv: string[]) {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: '/nowhere' },
  });
  const exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  return { child, exit };
}

/** Follows a console that never ends. */
async function openConsoleServer() {
  const server = createServer(
    connectNodeAdapter({
      routes({ service }) {
        service(Machines, {
          async *console(_request, { signal }) {
            const data = Buffer.alloc(4096, 'x');
            for (let nextOffset = 1n; !signal.aborted; nextOffset += 4096n) {
              yield { data, nextOffset };
              await new Promise(setImmediate);
            }
          },
        });
      },
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the drover process', () => {
  it('prints to stdout, and nothing to stderr, when all is well', async () => {
    const { child, exit } = start('--version');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assert.match(out, /^drover \d+\.\d+\.\d+\n$/);
    assert.equal(err, '');
    assert.deepEqual(await exit, { code: 0, signal: null });
  });

  it('says where it looked for a server that is not there', async () => {
    const { child, exit } = start('vm', 'list', '--server', 'http://127.0.0.1:1');
    assert.match(await text(child.stderr), /^drover: cannot reach the server at http:/);
    assert.equal((await exit).code, 8);
  });

  it('ends with 130 at Ctrl-C', async () => {
    await using server = await openConsoleServer();
    const { child, exit } = start('vm', 'console', '-f', 'vm_1', '--server', server.url);
    await once(child.stdout, 'data');
    child.stdout.resume();
    child.kill('SIGINT');
    assert.deepEqual(await exit, { code: 130, signal: null });
  });

  it('ends quietly when nobody reads on, as in a pipe to head', async () => {
    await using server = await openConsoleServer();
    const { child, exit } = start('vm', 'console', '-f', 'vm_1', '--server', server.url);
    const errors = text(child.stderr);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    assert.equal((await exit).code, 141);
    assert.equal(await errors, '');
  });
});
