import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { MIB } from '#kernel/units.ts';
import { openTestMember, type TestMember, type TestMemberKind } from '#test/app-member.ts';

interface Relay extends AsyncDisposable {
  readonly url: string;
  /** How the exchanges failed that did. */
  readonly failures: string[];
}

/** Hands the upgrades of a real server to a member, byte by byte. */
async function openRelay(member: TestMember): Promise<Relay> {
  const server = createServer();
  const sockets = new Set<Duplex>();
  const failures: string[] = [];
  server.on('upgrade', ({ url = '/', rawHeaders }, socket, first) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const head = {
      ...{ method: 'GET', url: `http://app.example${url}`, headers: rawHeaders },
      ...{ hasBody: false, isUpgrade: true as const },
    };
    const exchange = member.exchanges.begin(head, undefined, {
      onHead: () => assert.fail('an upgrade has no head'),
      onData: (bytes) => {
        socket.write(bytes, () => exchange.consume(bytes.length));
      },
      onEnd: () => socket.end(),
      onFail: (error) => {
        failures.push(error.reason);
        socket.destroy();
      },
      onDrain: () => socket.resume(),
    });
    if (first.length > 0) exchange.write(first);
    socket.on('data', (chunk: Buffer) => {
      if (!exchange.write(chunk)) socket.pause();
    });
    socket.on('end', () => exchange.end());
    socket.on('close', () => exchange.abort());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    failures,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function nextMessage(socket: WebSocket): Promise<string> {
  const [data] = await once(socket, 'message');
  return String(data);
}

/** What a client sees that is not accepted. */
async function refusalOf(url: string): Promise<{ status: number; text: string }> {
  const socket = new WebSocket(url);
  socket.on('error', () => undefined);
  const [, response] = await once(socket, 'unexpected-response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

const KINDS: readonly TestMemberKind[] = ['memory', 'thread', 'process'];

for (const kind of KINDS) {
  describe(`a WebSocket to an app (${kind})`, () => {
    it('carries messages of each kind both ways, and how it was closed', async () => {
      await using member = openTestMember(kind);
      await member.become('websocket');
      await using relay = await openRelay(member);
      const socket = new WebSocket(relay.url);
      const welcome = nextMessage(socket);
      socket.once('open', () => socket.send('grüße'));
      assert.equal(await welcome, 'welcome');
      assert.equal(await nextMessage(socket), 'grüße');
      socket.send(Buffer.from([0, 255]));
      const [data, isBinary] = await once(socket, 'message');
      assert.deepEqual([Buffer.from(data), isBinary], [Buffer.from([0, 255]), true]);
      const long = 'x'.repeat(4 * MIB);
      socket.send(long);
      assert.equal((await nextMessage(socket)).length, long.length);
      socket.send('bye');
      const [code, reason] = await once(socket, 'close');
      assert.deepEqual([code, String(reason)], [4000, 'as you wish']);
      assert.deepEqual(relay.failures, []);
    });

    it('is refused by an ordinary response', async () => {
      await using member = openTestMember(kind);
      await member.become('websocket');
      await using relay = await openRelay(member);
      const refusal = await refusalOf(`${relay.url}/elsewhere`);
      assert.deepEqual(refusal, { status: 404, text: 'no socket here' });
    });

    it('fails when the app does, before anything is sent', async () => {
      await using member = openTestMember(kind);
      await member.become('websocket');
      await using relay = await openRelay(member);
      for (const path of ['/throw', '/late']) {
        const socket = new WebSocket(relay.url + path);
        socket.on('open', () => assert.fail('it was accepted'));
        await once(socket, 'error');
      }
      assert.deepEqual(relay.failures, ['APP_ERROR', 'APP_ERROR']);
      await member.said(/GET \/throw: Error: no sockets today/);
      await member.said(/GET \/late: Error: no sockets after all/);
    });
  });
}

describe('a client of an app that upgrades', () => {
  it('does no harm to others by breaking off or the protocol', async () => {
    await using member = openTestMember('process');
    await member.become('websocket');
    await using relay = await openRelay(member);
    const broken = new WebSocket(relay.url);
    await nextMessage(broken);
    const raw: unknown = Reflect.get(broken, '_socket');
    assert.ok(raw instanceof Object && 'write' in raw && typeof raw.write === 'function');
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await once(broken, 'close');
    const gone = new WebSocket(relay.url);
    await nextMessage(gone);
    gone.terminate();
    const socket = new WebSocket(relay.url);
    await nextMessage(socket);
    socket.send('still here');
    assert.equal(await nextMessage(socket), 'still here');
    socket.terminate();
  });

  it('ends the worker where a listener of the app fails, as anything uncaught does', async () => {
    await using member = openTestMember('process');
    await member.become('websocket');
    await using relay = await openRelay(member);
    const socket = new WebSocket(relay.url);
    socket.on('error', () => undefined);
    await nextMessage(socket);
    socket.send('throw');
    assert.equal(await member.started.ended, 1);
    await member.said(/Error: a listener that fails/);
  });
});
