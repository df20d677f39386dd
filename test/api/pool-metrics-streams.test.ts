/** Streams of the pool's numbers: hundreds at once, slow ones, lost ones, and the end of all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MAX_STREAMS } from '#surfaces/pool-metrics/sse-route.ts';
import { openPoolMetrics, type PoolMetricsListener } from '#test/pool-metrics-fixture.ts';
import { openRawClient, type RawClient } from '#test/raw-client.ts';
import { until } from '#test/until.ts';

const PATH = '/metrics/api/metrics/sse';
const EVENT = /data: (.*)\n\n/g;

async function openStream(port: number): Promise<RawClient> {
  const client = await openRawClient(port);
  client.send(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return client;
}

function eventsIn(text: string): string[] {
  return [...text.matchAll(EVENT)].map(([, data = '']) => data);
}

/** Resolves with the events as soon as there are so many. */
async function receiveEvents(client: RawClient, count: number): Promise<string[]> {
  return await until(async () => {
    const events = eventsIn(await client.receive('data: '));
    return events.length >= count ? events : undefined;
  }, `${count} events`);
}

describe('a stream', () => {
  let clock: FakeClock;
  let server: PoolMetricsListener;
  const answers: ServerResponse[] = [];
  before(async () => {
    clock = new FakeClock();
    server = await openPoolMetrics({
      clock,
      startedMs: 0,
      before: (app) =>
        app.addHook('onRequest', (_request, reply, done) => {
          answers.push(reply.raw);
          done();
        }),
    });
  });
  after(() => server[Symbol.asyncDispose]());

  it('begins with an event, over HTTP/1.1 with the documented headers', async () => {
    using client = await openStream(server.port);
    const received = await client.receive('\n\n');
    const [head = ''] = received.split('\r\n\r\n', 1);
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    for (const line of [
      'content-type: text/event-stream',
      'cache-control: no-cache',
      'connection: keep-alive',
    ]) {
      assert.ok(head.toLowerCase().split('\r\n').includes(line), `${line} is not in\n${head}`);
    }
    assert.match(head, /\r\nx-request-id: [0-9a-f]{16}\r\n/);
    assert.equal(
      eventsIn(received)[0],
      '{"pool":{"size":500,"active":12,"idle":3,"creating":0,"total":15,"utilization":0.024},' +
        `"uptime":${Math.floor(clock.monotonicMs() / 1000)},` +
        `"timestamp":"${new Date(clock.nowMs()).toISOString()}"}`,
    );
  });

  it('over HTTP/2 has no header that HTTP/2 forbids', async () => {
    await using session = await openSession(server.url);
    const { stream, headers } = await openHttp2Stream(session);
    assert.equal(headers['content-type'], 'text/event-stream');
    assert.equal(headers['connection'], undefined);
    stream.setEncoding('utf8');
    const [text] = (await once(stream, 'data')) as [string];
    assert.equal(eventsIn(text).length, 1);
  });

  it('stops the timers when its client goes, and they start again for the next', async () => {
    for (let round = 0; round < 3; round += 1) {
      const client = await openStream(server.port);
      await client.receive('\n\n');
      assert.equal(clock.pendingTimers, 2);
      client.socket.resetAndDestroy();
      await until(() => (clock.pendingTimers === 0 ? true : undefined), 'the timers to stop');
    }
    await using session = await openSession(server.url);
    const { stream } = await openHttp2Stream(session);
    assert.equal(clock.pendingTimers, 2);
    stream.close();
    await until(() => (clock.pendingTimers === 0 ? true : undefined), 'the timers to stop');
  });

  it('gives a client that never reads nothing more than it can hold, over HTTP/1.1', async () => {
    using stuck = await openStream(server.port);
    await stuck.receive('\n\n');
    stuck.socket.pause();
    const answer = answers.at(-1);
    assert.ok(answer !== undefined);
    // First the buffers of the system have to fill.
    for (let round = 0; answer.writableLength === 0; round += 1) {
      assert.ok(round < 200, 'the buffers of the system never fill');
      await clock.advance(1_000_000);
    }
    const held = answer.writableLength;
    assert.ok(held < 16 * 1024, `${held} bytes`);
    await clock.advance(3_000_000);
    assert.equal(answer.writableLength, held);
    // What it missed is gone, and it goes on with the newest.
    stuck.socket.resume();
    await until(() => (answer.writableLength === 0 ? true : undefined), 'the client to catch up');
    await clock.advance(1000);
    await stuck.receive(new Date(clock.nowMs()).toISOString());
  });

  it('gives a client that never reads nothing more than it can hold, over HTTP/2', async () => {
    await using session = await openSession(server.url, 600);
    const { stream } = await openHttp2Stream(session);
    const answer = answers.at(-1);
    assert.ok(answer !== undefined);
    await clock.advance(100_000);
    const held = answer.writableLength;
    assert.ok(held > 0 && held < 1000, `${held} bytes`);
    await clock.advance(100_000);
    assert.equal(answer.writableLength, held);
    stream.resume();
    await until(() => (answer.writableLength === 0 ? true : undefined), 'the client to catch up');
  });
});

describe('five hundred streams', () => {
  it('cost one writing of each event, reach everybody, and end with the server', async () => {
    const clock = new FakeClock();
    await using server = await openPoolMetrics({ clock });
    using stack = new DisposableStack();
    const before = process.memoryUsage().rss;
    const clients = await Promise.all(
      Array.from({ length: 500 }, async () => stack.use(await openStream(server.port))),
    );
    await Promise.all(clients.map((client) => client.receive('\n\n')));
    const stuck = stack.use(await openStream(server.port));
    await stuck.receive('\n\n');
    stuck.socket.pause();
    assert.equal(server.pool.asked, 501);
    for (let second = 0; second < 60; second += 1) {
      server.pool.numbers = { ...server.pool.numbers, active: second };
      await clock.advance(1000);
    }
    assert.equal(server.pool.asked, 561);
    await Promise.all(
      clients.map(async (client) => {
        const events = await receiveEvents(client, 61);
        assert.equal(events.length, 61);
        assert.match(events.at(-1) ?? '', /"active":59,/);
        assert.match(await client.receive(': ping\n\n'), /: ping\n\n/);
      }),
    );
    const grownMib = (process.memoryUsage().rss - before) / 2 ** 20;
    assert.ok(grownMib < 200, `${grownMib} MiB for both ends of 501 connections`);
    const ends = clients.map((client) => client.closed());
    stuck.socket.resume();
    await server.listener.drain();
    for (const end of ends) assert.match(await end, /0\r\n\r\n$/, 'the answer was cut');
    assert.equal(clock.pendingTimers, 0);
  });

  it(`refuses the ${MAX_STREAMS + 1}st and says when to try again`, async () => {
    await using server = await openPoolMetrics({ clock: new FakeClock() });
    await using stack = new AsyncDisposableStack();
    for (let count = 0; count < MAX_STREAMS; count += 100) {
      const session = stack.use(await openSession(server.url));
      await Promise.all(Array.from({ length: 100 }, () => openHttp2Stream(session)));
    }
    const refused = await fetch(`${server.url}${PATH}`);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '5');
    assert.match(await refused.text(), /TOO_MANY_STREAMS/);
    assert.equal((await fetch(`${server.url}/metrics/api/metrics`)).status, 200);
  });
});

describe('a client that goes before it is known who it is', () => {
  it('leaves nothing behind', async () => {
    const clock = new FakeClock();
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    await using server = await openPoolMetrics({
      clock,
      before: (app) => {
        app.addHook('onRequest', async (_request, reply) => {
          reply.raw.once('close', gone.resolve);
          asked.resolve();
          await gone.promise;
        });
        app.addHook('preHandler', (_request, _reply, done) => {
          setImmediate(answered.resolve);
          done();
        });
      },
    });
    const client = await openStream(server.port);
    await asked.promise;
    client.socket.resetAndDestroy();
    await answered.promise;
    assert.equal(clock.pendingTimers, 0);
    assert.equal(server.pool.asked, 0);
  });
});

async function openSession(
  url: string,
  initialWindowSize?: number,
): Promise<ClientHttp2Session & AsyncDisposable> {
  const session = connect(url, {
    ...(initialWindowSize !== undefined && { settings: { initialWindowSize } }),
  });
  await once(session, 'remoteSettings');
  return Object.assign(session, {
    async [Symbol.asyncDispose]() {
      session.destroy();
      await once(session, 'close');
    },
  });
}

async function openHttp2Stream(session: ClientHttp2Session) {
  const stream: ClientHttp2Stream = session.request({ ':path': PATH });
  // Their sessions are destroyed with the streams still open.
  stream.on('error', () => {});
  const [headers] = (await once(stream, 'response')) as [Readonly<Record<string, unknown>>];
  return { stream, headers };
}
