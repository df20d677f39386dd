import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { FakeClock } from '#kernel/fake-clock.ts';
import { isErrorKind } from '#kernel/errors.ts';
import { openTestListener } from '#test/edge-listener.ts';
import { http2Request } from '#test/http2-client.ts';
import { openRawClient } from '#test/raw-client.ts';

/** Routes that hold on until they are let go, and say when they were entered. */
function createGate() {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const routes = (app: FastifyInstance) => {
    app.get('/ready', async () => 'ready');
    app.get('/held', async () => {
      entered.resolve();
      await release.promise;
      return 'whole';
    });
    app.get('/follow', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200);
      reply.raw.write('following');
      app.draining.addEventListener('abort', () => {
        const isKnown = isErrorKind(app.draining.reason, 'unavailable');
        reply.raw.end(isKnown ? ' ended: unavailable' : ' ended: ?');
      });
    });
  };
  return { entered: entered.promise, release: release.resolve, routes };
}

const HELD = 'GET /held HTTP/1.1\r\nHost: x\r\n\r\n';

describe('a drain', () => {
  it('lets an HTTP/1.1 request under way finish, then closes its connection', async () => {
    const gate = createGate();
    await using edge = await openTestListener(gate.routes);
    using client = await openRawClient(edge.port);
    client.send(HELD);
    await gate.entered;
    const drained = edge.listener.drain();
    await assert.rejects(openRawClient(edge.port), { code: 'ECONNREFUSED' });
    gate.release();
    const text = await client.closed();
    assert.match(text, /^HTTP\/1.1 200 OK.*Connection: close.*whole$/is);
    await drained;
  });

  it('lets an HTTP/2 request under way finish, then closes its session', async () => {
    const gate = createGate();
    await using edge = await openTestListener(gate.routes);
    const session = http2.connect(edge.url);
    const goaway = once(session, 'goaway');
    const closed = once(session, 'close');
    const held = http2Request(session, { ':path': '/held' });
    await gate.entered;
    const drained = edge.listener.drain();
    await goaway;
    gate.release();
    assert.equal((await held).body, 'whole');
    await Promise.all([drained, closed]);
  });

  it('closes idle connections and silent ones at once', async () => {
    const gate = createGate();
    await using edge = await openTestListener(gate.routes);
    using silent = await openRawClient(edge.port);
    using idle = await openRawClient(edge.port);
    idle.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.receive('ready');
    await edge.listener.drain();
    await Promise.all([idle.closed(), silent.closed()]);
  });

  it('tells streams to end', async () => {
    const gate = createGate();
    await using edge = await openTestListener(gate.routes);
    using client = await openRawClient(edge.port);
    client.send('GET /follow HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.receive('following');
    await edge.listener.drain();
    assert.match(await client.closed(), /ended: unavailable/);
  });

  it('cuts what does not end in its time, over both protocols', async () => {
    const clock = new FakeClock();
    const gate = createGate();
    await using edge = await openTestListener(gate.routes, { clock, limits: { drainMs: 8000 } });
    using client = await openRawClient(edge.port);
    const session = http2.connect(edge.url);
    const stuck = http2Request(session, { ':path': '/held' });
    await gate.entered;
    client.send(HELD);
    const drained = edge.listener.drain();
    let isDrained = false;
    void drained.then(() => (isDrained = true));
    await clock.advance(7999);
    assert.equal(isDrained, false);
    await Promise.all([
      assert.rejects(stuck),
      clock.advance(1),
      drained,
      client.closed(),
      once(session, 'close'),
    ]);
    assert.match(edge.logged.text(), /cutting what did not end in time/);
    gate.release();
  });

  it('asked for twice is one drain', async () => {
    await using edge = await openTestListener(createGate().routes);
    assert.equal(edge.listener.drain(), edge.listener.drain());
  });
});
