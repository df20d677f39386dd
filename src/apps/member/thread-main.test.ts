import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { openAppFolder } from '#test/app-folder.ts';
import { openTestMember } from '#test/app-member.ts';

describe('a member thread', () => {
  it('gives its app an environment of its own', async () => {
    await using member = openTestMember('thread');
    await member.become('probe', { env: { GREETING: 'hi' } });
    const asked = { method: 'POST', body: 'export default process.env' };
    assert.deepEqual(JSON.parse((await member.ask('/', asked)).text), {
      value: { GREETING: 'hi' },
    });
  });

  it('fetches directly, and understands the requests it is given', async () => {
    await using folder = await openAppFolder({
      'main.mjs': 'export default { fetch: async (request) => fetch(request) };',
    });
    const server = createServer(({ method, headers }, response) => {
      response.end(JSON.stringify([method, headers['x-own']]));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await using member = openTestMember('thread');
    await member.become('own', { directory: folder.path, entrypoint: 'main.mjs' });
    const asked = { method: 'POST', headers: ['x-own', '1'], body: 'x' };
    const { text } = await member.ask(`http://127.0.0.1:${port}/`, asked);
    server.closeAllConnections();
    server.close();
    assert.equal(text, '["POST","1"]');
  });

  it('runs tasks, with an app or without', async () => {
    await using member = openTestMember('thread');
    await member.heard('hello');
    const url = 'data:text/javascript,export const double = (n) => 2 * n;';
    member.started.link.send({ type: 'task', id: 2 ** 30, module: url, name: 'double', input: 21 });
    assert.equal((await member.heard('result')).value, 42);
  });
});
