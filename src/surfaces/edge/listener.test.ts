import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { FakeClock } from '#kernel/fake-clock.ts';
import { openTestListener } from '#test/edge-listener.ts';
import { http2Request } from '#test/http2-client.ts';
import { openRawClient } from '#test/raw-client.ts';

function routes(app: FastifyInstance): void {
  app.get('/hello', async (request) => ({ over: request.raw.httpVersion }));
  app.post('/echo', async (request) => ({ got: request.body }));
  app.post('/small', { bodyLimit: 10 }, async (request) => ({ got: request.body }));
}

const JSON_POST = { ':method': 'POST', 'content-type': 'application/json' };

describe('one port', () => {
  it('speaks HTTP/1.1 and HTTP/2 without TLS', async () => {
    await using edge = await openTestListener(routes);
    const answer = await fetch(`${edge.url}/hello`);
    assert.deepEqual(await answer.json(), { over: '1.1' });
    const session = http2.connect(edge.url);
    try {
      const { body } = await http2Request(session, { ':path': '/hello' });
      assert.deepEqual(JSON.parse(body), { over: '2.0' });
      const echoed = await http2Request(session, { ...JSON_POST, ':path': '/echo' }, '{"a":1}');
      assert.deepEqual(JSON.parse(echoed.body), { got: { a: 1 } });
    } finally {
      session.close();
    }
  });

  it('tells the protocol however the first bytes are cut up', async () => {
    await using edge = await openTestListener(routes);
    for (const method of ['PUT', 'PROPFIND']) {
      using client = await openRawClient(edge.port);
      client.socket.setNoDelay(true);
      const request = `${method} /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
      for (const byte of request) client.send(byte);
      await client.receive('405 Method Not Allowed');
    }
    using client = await openRawClient(edge.port);
    client.socket.setNoDelay(true);
    for (const byte of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') client.send(byte);
    client.send('\0\0\0\u0004\0\0\0\0\0');
    // The server's SETTINGS frame: type 4 on stream 0.
    await client.receive('\u0004\0\0\0\0\0');
  });

  it('serves requests that follow each other on one connection', async () => {
    await using edge = await openTestListener(routes);
    using client = await openRawClient(edge.port);
    client.send('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
    client.send('GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const text = await client.closed();
    assert.equal(text.split('{"over":"1.1"}').length - 1, 4);
  });

  it('hands WebSocket upgrades to who listens for them, and h2c offers to nobody', async () => {
    await using edge = await openTestListener((app) => {
      routes(app);
      app.server.on('upgrade', (_request, socket) => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nhi');
      });
    });
    const upgrade = (to: string) =>
      `GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${to}\r\n\r\n`;
    using socket = await openRawClient(edge.port);
    socket.send(upgrade('websocket'));
    assert.match(await socket.closed(), /^HTTP\/1.1 101 .*\r\n\r\nhi$/s);
    using curl = await openRawClient(edge.port);
    curl.send(upgrade('h2c'));
    await curl.receive('{"over":"1.1"}');
  });

  it('that is taken is refused in words', async () => {
    await using edge = await openTestListener(routes);
    await assert.rejects(openTestListener(routes, { port: edge.port }), {
      kind: 'unavailable',
      reason: 'CANNOT_LISTEN',
      message: /in use by another program/,
    });
  });
});

describe('a slow client', () => {
  it('that says nothing is disconnected', async () => {
    const clock = new FakeClock();
    await using edge = await openTestListener(routes, {
      clock,
      limits: { firstBytesTimeoutMs: 3000 },
    });
    using client = await openRawClient(edge.port);
    // An answer elsewhere shows that the connection made before it was taken in.
    await fetch(`${edge.url}/hello`, { headers: { connection: 'close' } });
    await clock.advance(3000);
    assert.equal(await client.closed(), '');
  });

  it('with its headers is answered 408 and disconnected', async () => {
    await using edge = await openTestListener(routes, {
      limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 },
    });
    using client = await openRawClient(edge.port);
    client.send('GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const text = await client.closed();
    assert.match(text, /^HTTP\/1.1 408 /);
    assert.match(text, /"reason":"REQUEST_TIMEOUT"/);
  });

  it('with its body is answered 408 and disconnected', async () => {
    await using edge = await openTestListener(routes, {
      limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 },
    });
    using client = await openRawClient(edge.port);
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n');
    client.send('Content-Length: 100\r\n\r\n{"a":');
    assert.match(await client.closed(), /^HTTP\/1.1 408 /);
  });

  it('with its body over HTTP/2 is answered 408 and its stream closed', async () => {
    const clock = new FakeClock();
    const taken = Promise.withResolvers<void>();
    await using edge = await openTestListener(
      (app) => {
        app.addHook('preParsing', async (_request, _reply, payload) => {
          taken.resolve();
          return payload;
        });
        routes(app);
      },
      { clock, limits: { requestTimeoutMs: 5000 } },
    );
    const session = http2.connect(edge.url);
    try {
      const stream = session.request({ ...JSON_POST, ':path': '/echo' });
      stream.write('{"a":');
      await taken.promise;
      const closed = once(stream, 'close');
      const [answered] = await Promise.all([once(stream, 'response'), clock.advance(5000)]);
      assert.equal(answered[0][':status'], 408);
      stream.resume();
      await closed;
    } finally {
      session.destroy();
    }
  });

  it('does not hold up an answer that takes longer than the request may', async () => {
    const release = Promise.withResolvers<void>();
    await using edge = await openTestListener(
      (app) => {
        app.get('/stream', (_request, reply) => {
          reply.hijack();
          reply.raw.writeHead(200);
          reply.raw.write('first ');
          void release.promise.then(() => reply.raw.end('last'));
        });
      },
      { limits: { headersTimeoutMs: 40, requestTimeoutMs: 40 } },
    );
    using slow = await openRawClient(edge.port);
    using stream = await openRawClient(edge.port);
    stream.send('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
    await stream.receive('first');
    slow.send('GET /hello');
    // When the later, slow request has run out of time, the stream is past it too.
    await slow.closed();
    release.resolve();
    assert.match(await stream.receive('last'), /first .*last/s);
  });
});

describe('bytes that are no request', () => {
  it('are answered 400, also on a connection that was used before', async () => {
    await using edge = await openTestListener(routes);
    using client = await openRawClient(edge.port);
    client.send('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.receive('200 OK');
    client.send('hello\r\n\r\n');
    assert.match(await client.closed(), /^HTTP\/1.1 200 .*HTTP\/1.1 400 .*MALFORMED_REQUEST/s);
  });

  it('are not answered in the middle of another answer', async () => {
    await using edge = await openTestListener((app) => {
      app.get('/stream', (_request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200);
        reply.raw.write('first');
      });
    });
    using client = await openRawClient(edge.port);
    client.send('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.receive('first');
    client.send('hello\r\n\r\n');
    assert.doesNotMatch(await client.closed(), /400/);
  });
});

describe('a limit', () => {
  it('on headers answers 431 to what is too large or too many', async () => {
    await using edge = await openTestListener(routes, {
      limits: { headerBytes: 4096, headerCount: 20 },
    });
    using large = await openRawClient(edge.port);
    large.send(`GET /hello HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(5000)}\r\n\r\n`);
    assert.match(await large.closed(), /^HTTP\/1.1 431 .*HEADERS_TOO_LARGE/s);
    using many = await openRawClient(edge.port);
    many.send(`GET /hello HTTP/1.1\r\nHost: x\r\n${'X-Many: x\r\n'.repeat(20)}\r\n`);
    assert.match(await many.receive('TOO_MANY_HEADERS'), /^HTTP\/1.1 431 /);
    using fits = await openRawClient(edge.port);
    fits.send(`GET /hello HTTP/1.1\r\nHost: x\r\n${'X-Many: x\r\n'.repeat(19)}\r\n`);
    await fits.receive('200 OK');
  });

  it('on headers holds for HTTP/2 as well', async () => {
    await using edge = await openTestListener(routes, { limits: { headerBytes: 4096 } });
    const session = http2.connect(edge.url);
    try {
      const headers = { ':path': '/hello', 'x-large': 'x'.repeat(5000) };
      const refused = await http2Request(session, headers);
      assert.equal(refused.status, 431);
      assert.match(refused.body, /HEADERS_TOO_LARGE/);
      const { status } = await http2Request(session, { ':path': '/hello' });
      assert.equal(status, 200);
    } finally {
      session.destroy();
    }
  });

  it('on bodies answers 413 in the shape of every error, by listener and by route', async () => {
    await using edge = await openTestListener(routes, { limits: { bodyBytes: 100 } });
    for (const [path, length] of [
      ['/echo', 101],
      ['/small', 11],
    ] as const) {
      const answer = await fetch(`${edge.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `"${'x'.repeat(length - 2)}"`,
      });
      assert.equal(answer.status, 413);
      assert.match(await answer.text(), /"reason":"BODY_TOO_LARGE"/);
    }
  });

  it('on bodies holds for HTTP/2, and leaves the connection usable', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    await using edge = await openTestListener(routes, { limits: { bodyBytes: 100 } });
    const session = http2.connect(edge.url);
    try {
      const large = `"${'x'.repeat(200)}"`;
      const refused = await http2Request(session, { ...JSON_POST, ':path': '/echo' }, large);
      assert.equal(refused.status, 413);
      assert.equal((await http2Request(session, { ':path': '/hello' })).status, 200);
    } finally {
      session.destroy();
      process.off('warning', note);
    }
    assert.deepEqual(warnings, []);
  });

  it('on connections drops the ones above it', async () => {
    await using edge = await openTestListener(routes, { limits: { connections: 1 } });
    using first = await openRawClient(edge.port);
    first.send('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n');
    await first.receive('200 OK');
    using second = await openRawClient(edge.port);
    assert.equal(await second.closed(), '');
  });

  it('on idle HTTP/2 connections closes them', async () => {
    const clock = new FakeClock();
    await using edge = await openTestListener(routes, {
      clock,
      limits: { http2IdleTimeoutMs: 1000 },
    });
    const session = http2.connect(edge.url);
    await http2Request(session, { ':path': '/hello' });
    const closed = once(session, 'close');
    await clock.advance(1000);
    await closed;
  });
});

describe('a client that goes away in the middle of its request', () => {
  it('is noted in the access log, and troubles nobody else', async () => {
    const clock = new FakeClock();
    const taken = Promise.withResolvers<void>();
    const takenToo = Promise.withResolvers<void>();
    await using edge = await openTestListener(
      (app) => {
        app.addHook('preParsing', async (request, _reply, payload) => {
          (request.raw.httpVersionMajor === 1 ? taken : takenToo).resolve();
          return payload;
        });
        routes(app);
      },
      { clock },
    );
    using client = await openRawClient(edge.port);
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n');
    client.send('Content-Length: 100\r\n\r\n{"a":');
    await taken.promise;
    client.socket.resetAndDestroy();
    const session = http2.connect(edge.url);
    try {
      const stream = session.request({ ...JSON_POST, ':path': '/echo' });
      stream.write('{"a":');
      await takenToo.promise;
      stream.close(http2.constants.NGHTTP2_CANCEL);
      const { status } = await http2Request(session, { ':path': '/hello' });
      assert.equal(status, 200);
    } finally {
      session.destroy();
    }
    await edge.listener.drain();
    const gone = edge.logged.records().filter(({ route }) => route === '/echo');
    assert.deepEqual(
      gone.map(({ aborted }) => aborted),
      [true, true],
    );
    assert.ok(gone.every(({ level }) => level !== 'error'));
    assert.equal(clock.pendingTimers, 0);
  });
});
