/** What becomes of one call. Who may make it is in http-egress.test.ts. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ResolvedAddress } from '#kernel/guarded-lookup.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { atRest, bindingOf, EgressCaller, openEgress } from '#test/egress-caller.ts';
import { listening, openServer } from '#test/loopback-server.ts';
import { until } from '#test/until.ts';

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

const LOCAL = bindingOf('127.0.0.1');

describe('what an app fetches', () => {
  it('is asked of the server as the app says, and answered as the server says', async () => {
    await using server = await openServer((request, response) => {
      void textOf(request).then((body) => {
        const { method, url, rawHeaders } = request;
        response.writeHead(201, 'Made', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-B', 'c']);
        response.end(JSON.stringify({ method, url, rawHeaders, body }));
      });
    });
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), `${server.url}/p?q=%20`, {
      method: 'POST',
      headers: ['X-A', '1', 'x-a', '2', 'Cookie', 'c=d'],
      body: Buffer.from('hello'),
    });
    const { status, headers } = await call.answered;
    assert.equal(status, 201);
    assert.deepEqual(headers.slice(0, 6), ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-B', 'c']);
    assert.equal(await call.ended, undefined);
    assert.deepEqual(JSON.parse(call.text), {
      method: 'POST',
      url: '/p?q=%20',
      rawHeaders: [
        ...['Host', `127.0.0.1:${server.port}`, 'X-A', '1', 'x-a', '2', 'Cookie', 'c=d'],
        ...['Content-Length', '5', 'Connection', 'keep-alive'],
      ],
      body: 'hello',
    });
  });

  it('is not redirected', async () => {
    await using server = await openServer((_request, response) => {
      response.writeHead(302, { Location: 'http://169.254.169.254/' }).end();
    });
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url);
    assert.equal((await call.answered).status, 302);
    assert.equal(await call.ended, undefined);
  });

  it('can be a HEAD, or be answered without a body', async () => {
    await using server = await openServer((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 200 : 204, { 'X-A': 'b' }).end();
    });
    await using egress = openEgress();
    for (const [method, status] of [['HEAD', 200] as const, ['DELETE', 204] as const]) {
      const call = new EgressCaller(egress.answererFor(LOCAL), server.url, { method });
      assert.equal((await call.answered).status, status);
      assert.equal(await call.ended, undefined);
    }
  });

  it('uses a connection again, and another when the server has closed it', async () => {
    const sockets = new Set<Socket>();
    await using server = await openServer((request, response) => {
      sockets.add(request.socket);
      response.end('ok');
    });
    await using egress = openEgress();
    const worker = egress.answererFor(LOCAL);
    const get = async () => {
      const call = new EgressCaller(worker, server.url);
      assert.equal(await call.ended, undefined);
      return call.text;
    };
    await get();
    await get();
    assert.equal(sockets.size, 1);
    for (const socket of sockets) socket.destroy();
    assert.equal(await get(), 'ok');
    assert.equal(sockets.size, 2);
  });

  for (const [method, isRepeated] of [['PUT', true] as const, ['POST', false] as const]) {
    const what = `is ${isRepeated ? '' : 'not '}sent again`;
    it(`${what} when a kept connection broke on a ${method}`, async () => {
      const seen: string[] = [];
      await using server = await openServer((request, response) => {
        request.resume();
        seen.push(`${request.method}`);
        // As a server does that closes it just when it is used again.
        if (seen.length === 2) request.socket.destroy();
        else response.end('ok');
      });
      await using egress = openEgress();
      const worker = egress.answererFor(LOCAL);
      assert.equal(await new EgressCaller(worker, server.url).ended, undefined);
      const body = Buffer.from('whole');
      const call = new EgressCaller(worker, server.url, { method, body });
      assert.equal((await call.ended)?.reason, isRepeated ? undefined : 'ECONNRESET');
      assert.deepEqual(seen, ['GET', method, ...(isRepeated ? [method] : [])]);
      assert.equal(call.endings, 1);
    });
  }
});

describe('the body of what an app fetches', () => {
  it('is sent in pieces, and consumed as the server takes it', async () => {
    await using server = await openServer((request, response) => {
      void textOf(request).then((body) =>
        response.end(`${request.headers['transfer-encoding']} ${body.length}`),
      );
    });
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url, {
      method: 'PUT',
      hasBody: true,
    });
    for (let count = 0; count < 10; count += 1) call.handler.onData(Buffer.alloc(1000, 'x'));
    call.handler.onEnd();
    assert.equal(await call.ended, undefined);
    assert.equal(call.text, 'chunked 10000');
    assert.equal(call.consumed, 10_000);
  });

  it('is not consumed while the server does not read it', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    await using server = await openServer((request) => arrived.resolve(request));
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url, {
      method: 'PUT',
      hasBody: true,
    });
    call.handler.onData(Buffer.alloc(64 * 1024 * 1024));
    (await arrived.promise).pause();
    assert.equal(call.consumed, 0);
    call.handler.onAbort();
  });

  it('keeps to the length that was announced', async () => {
    await using server = await openServer((request, response) => {
      request.on('error', () => undefined);
      void textOf(request).then(
        (body) => response.end(body),
        () => undefined,
      );
    });
    await using egress = openEgress();
    const open = () =>
      new EgressCaller(egress.answererFor(LOCAL), server.url, {
        ...{ method: 'PUT', hasBody: true, headers: ['content-length', '5'] },
      });
    const right = open();
    right.handler.onData(Buffer.from('12345'));
    right.handler.onEnd();
    assert.equal(await right.ended, undefined);
    assert.equal(right.text, '12345');
    const long = open();
    long.handler.onData(Buffer.from('12345GET / HTTP/1.1'));
    assert.match((await long.ended)?.message ?? '', /content-length/);
    const short = open();
    short.handler.onData(Buffer.from('1234'));
    short.handler.onEnd();
    assert.match((await short.ended)?.message ?? '', /content-length/);
  });

  it('of the answer is read as fast as the app reads it', async () => {
    const total = 32 * 1024 * 1024;
    await using server = await openServer((_request, response) => {
      response.end(Buffer.alloc(total));
    });
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url);
    call.isOpen = false;
    await call.answered;
    await atRest(() => call.byteCount, 'the answer');
    assert.ok(call.byteCount < total / 4, `${call.byteCount} bytes came without credit`);
    call.isOpen = true;
    call.handler.onDrain();
    assert.equal(await call.ended, undefined);
    assert.equal(call.byteCount, total);
  });

  it('of the answer that breaks off is told as that', async () => {
    await using server = await openServer((_request, response) => {
      response.writeHead(200, { 'Content-Length': '10' });
      response.write('12345', () => response.destroy());
    });
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url);
    await call.answered;
    assert.match((await call.ended)?.message ?? '', /broke the connection off/);
  });

  it('is dropped, and its connection with it, when the app is gone', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await openServer((request, response) => {
      request.socket.on('close', () => closed.resolve());
      response.write('begun');
    });
    await using egress = openEgress();
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url);
    await call.answered;
    call.handler.onAbort();
    await closed.promise;
    assert.equal(call.endings, 0);
  });
});

describe('an app that gives up', () => {
  it('ends the call wherever it is, and hears no more of it', async () => {
    const closed: Promise<unknown>[] = [];
    await using server = await openServer((request, response) => {
      closed.push(new Promise((resolve) => request.socket.once('close', resolve)));
      if (request.url === '/body') response.write('x'.repeat(1000));
      else if (request.url === '/held') response.write('x');
      else if (request.url === '/small') response.end('x');
    });
    const clock = new FakeClock();
    const lookedUp = Promise.withResolvers<readonly ResolvedAddress[]>();
    await using egress = openEgress({ clock, resolve: () => lookedUp.promise });
    const worker = egress.answererFor(bindingOf('127.0.0.1', 'slow.test'));
    const slow = new EgressCaller(worker, `http://slow.test:${server.port}/`);
    const atOnce = new EgressCaller(worker, server.url);
    atOnce.handler.onAbort();
    const asked = { method: 'PUT', hasBody: true };
    const uploading = new EgressCaller(worker, server.url, asked);
    uploading.handler.onData(Buffer.alloc(100));
    const waiting = new EgressCaller(worker, server.url);
    await until(() => (closed.length === 2 ? true : undefined), 'two calls');
    const reading = new EgressCaller(worker, `${server.url}/body`);
    const held = new EgressCaller(worker, `${server.url}/held`);
    held.isOpen = false;
    await reading.answered;
    await held.answered;
    await until(() => (reading.byteCount > 0 ? true : undefined), 'some of the body');
    const { byteCount } = reading;
    const calls = [slow, uploading, waiting, reading, held];
    for (const call of calls) {
      call.handler.onAbort();
      call.handler.onAbort();
      call.handler.onData(Buffer.alloc(10));
      call.handler.onEnd();
      call.handler.onDrain();
    }
    lookedUp.resolve([{ address: '127.0.0.1', family: 4 }]);
    await Promise.all(closed);
    // A later call of the same worker finds everything in order.
    const { ended } = new EgressCaller(worker, `${server.url}/small`);
    assert.equal(await ended, undefined);
    for (const call of [atOnce, ...calls]) assert.equal(call.endings, 0);
    assert.equal(reading.byteCount, byteCount);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('patience', () => {
  it('is ten seconds for a connection, the look-up of its name included', async () => {
    const clock = new FakeClock();
    await using egress = openEgress({ clock, resolve: () => new Promise(() => undefined) });
    const call = new EgressCaller(egress.answererFor(bindingOf('slow.test')), 'http://slow.test/');
    await clock.advance(10 * SECOND_MS);
    const error = await call.ended;
    assert.equal(error?.reason, 'EGRESS_TIMEOUT');
    assert.equal(error.message, 'http://slow.test: no connection came about within 10 s');
    assert.equal(clock.pendingTimers, 0);
  });

  it('is a minute for an answer to begin, from the end of the request on', async () => {
    const clock = new FakeClock();
    let arrived = 0;
    await using server = await openServer((request) => {
      request.on('data', (piece: Buffer) => (arrived += piece.length));
    });
    await using egress = openEgress({ clock });
    const asked = { method: 'PUT', hasBody: true };
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url, asked);
    call.handler.onData(Buffer.alloc(10));
    await until(() => (arrived === 10 && call.consumed === 10 ? true : undefined), 'the body');
    // As long as the app has not ended it, it is not the server that everything waits for.
    assert.equal(clock.pendingTimers, 0);
    call.handler.onEnd();
    await clock.advance(MINUTE_MS - 1);
    assert.equal(call.endings, 0);
    await clock.advance(1);
    assert.equal((await call.ended)?.kind, 'deadline_exceeded');
    assert.match((await call.ended)?.message ?? '', /did not begin to answer within 60 s/);
  });

  it('is five minutes for more of an answer, unless it is the app that does not read', async () => {
    const clock = new FakeClock();
    await using server = await openServer((_request, response) => void response.write('begun'));
    await using egress = openEgress({ clock });
    const call = new EgressCaller(egress.answererFor(LOCAL), server.url);
    call.isOpen = false;
    await until(() => (call.text === 'begun' ? true : undefined), 'the beginning');
    assert.equal(clock.pendingTimers, 0);
    call.handler.onDrain();
    await clock.advance(5 * MINUTE_MS);
    assert.match((await call.ended)?.message ?? '', /sent no more of its answer within 300 s/);
    assert.equal(call.endings, 1);
  });
});

describe('a server that is not there', () => {
  it('is told by name, with the code that Node has for it', async () => {
    const { port, url } = await closedServer();
    await using egress = openEgress();
    const error = await new EgressCaller(egress.answererFor(LOCAL), url).ended;
    assert.equal(error?.kind, 'unavailable');
    assert.equal(error?.reason, 'ECONNREFUSED');
    assert.match(error?.message ?? '', new RegExp(`127.0.0.1:${port}: the connection was refused`));
  });

  it('has no name either', async () => {
    await using egress = openEgress();
    const call = new EgressCaller(
      egress.answererFor(bindingOf('nobody.test')),
      'http://nobody.test/',
    );
    assert.match(
      (await call.ended)?.message ?? '',
      /nobody\.test: the name of the server is not known/,
    );
  });

  it('is told when what answers is no HTTP, or no answer to what was asked', async () => {
    const answers: readonly (readonly [answer: string, message: RegExp])[] = [
      ['SSH-2.0-OpenSSH\r\n', /something that is not HTTP/],
      ['', /broke the connection off/],
      ['HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n', /not HTTP/],
      ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', /not HTTP/],
      [
        'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
        /the connection ended without an answer/,
      ],
    ];
    for (const [answer, message] of answers) {
      await using server = await listening(
        createTcpServer((socket) => {
          socket.on('error', () => undefined);
          socket.once('data', () => socket.end(answer));
        }),
      );
      await using egress = openEgress();
      const call = new EgressCaller(egress.answererFor(LOCAL), server.url);
      const error = await call.ended;
      assert.equal(error?.kind, 'unavailable', answer);
      assert.match(error.message, message);
      assert.equal(call.endings, 1);
    }
  });

  async function closedServer() {
    await using server = await openServer(() => undefined);
    return { port: server.port, url: server.url };
  }
});
