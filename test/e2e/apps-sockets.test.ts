/** WebSockets of apps through the gateway, with the client that most programs use. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { CUSTOMER } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { PoolClient } from '#test/pool-client.ts';
import { until } from '#test/until.ts';

const SOCKETS = 100;
const MANIFEST = { max_workers: 2, concurrency: 80, request_timeout: '1m' };

interface Served extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: PoolClient;
  open(token?: string): Promise<WebSocket>;
}

async function serve(access: string): Promise<Served> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openTestServer({ workers: { warm: 1 } }));
  const client = stack.use(new PoolClient(server.url));
  await client.deploy({ app: 'answers', name: 'talk', manifest: { ...MANIFEST, access } });
  const owned = stack.move();
  return {
    ...{ server, client },
    open: async (token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const url = `${server.url.replace('http', 'ws')}/apps/talk/socket?a=1`;
      const socket = new WebSocket(url, { headers });
      await once(socket, 'open');
      return socket;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function echoed(socket: WebSocket, message: string | Buffer): Promise<[Buffer, boolean]> {
  const heard = once(socket, 'message') as Promise<[Buffer, boolean]>;
  socket.send(message);
  return await heard;
}

async function logged({ client }: Served, line: string): Promise<void> {
  await until(async () => {
    const { text } = await client.read('/api/v1/apps/talk/logs');
    return text.includes(`"line":${JSON.stringify(line)}`) || undefined;
  }, line);
}

async function closed(socket: WebSocket): Promise<string> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return `${code} ${String(reason)}`;
}

describe('the WebSockets of an app', () => {
  it('echo text and bytes, close as either side says, and know who talks', async () => {
    await using served = await serve('token');
    await assert.rejects(served.open(), /401/);
    const socket = await served.open(CUSTOMER);
    const [text, isBinary] = await echoed(socket, 'grüße');
    assert.deepEqual([String(text), isBinary], ['grüße', false]);
    const bytes = Buffer.alloc(1 << 20, 'bytes');
    const [back, backIsBinary] = await echoed(socket, bytes);
    assert.ok(backIsBinary && back.equals(bytes));
    const [told] = await echoed(socket, 'headers');
    const { url, headers, caller } = JSON.parse(String(told));
    assert.deepEqual(caller, { kind: 'customer', id: '123' });
    assert.equal(url, `${served.server.url}/socket?a=1`);
    assert.equal(new Map(headers).get('authorization'), undefined);
    assert.doesNotMatch(String(told), /dev_/);

    socket.send('bye');
    assert.equal(await closed(socket), '4000 as you wish');
    await logged(served, 'closed 4000 as you wish');
    const other = await served.open(CUSTOMER);
    other.close(4321, 'enough');
    assert.equal(await closed(other), '4321 enough');
    await logged(served, 'closed 4321 enough');
    const lost = await served.open(CUSTOMER);
    lost.terminate();
    await logged(served, 'closed 1006 ');
  });

  it('are many at a time, over several workers, and end when the server does', async () => {
    const served = await serve('public');
    let sockets: WebSocket[] = [];
    try {
      sockets = await Promise.all(Array.from({ length: SOCKETS }, () => served.open()));
      const said = await Promise.all(sockets.map((socket, at) => echoed(socket, `number ${at}`)));
      assert.deepEqual(
        said.map(([text]) => String(text)),
        sockets.map((_, at) => `number ${at}`),
      );
      const workers = await served.client.live('talk');
      assert.equal(
        workers.reduce((sum, { inFlight }) => sum + inFlight, 0),
        SOCKETS,
      );
      assert.equal(workers.length, 2);
    } catch (thrown) {
      await served[Symbol.asyncDispose]();
      throw thrown;
    }
    const startedAt = performance.now();
    const ends = Promise.all(sockets.map(closed));
    await served[Symbol.asyncDispose]();
    assert.deepEqual(new Set(await ends), new Set(['1001 ']));
    assert.ok(performance.now() - startedAt < 11_000);
  });
});
