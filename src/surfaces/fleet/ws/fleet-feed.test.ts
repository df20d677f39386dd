import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { FakeLiveSocket } from '#test/fake-live-socket.ts';
import { FakeFleet, READINGS, role } from '#test/fleet-fixture.ts';
import { FleetFeed } from './fleet-feed.ts';

interface Message {
  readonly event_type: string;
  readonly server_type?: string;
  readonly revision?: string;
  readonly message?: string;
  readonly servers?: readonly string[] | null;
  readonly connections?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

const MUCH = 1024 * 1024;
const ALL = ['ai_server', 'app_server', 'storage_server'];

async function setUp(t: TestContext, { maxSockets = 10 } = {}) {
  const fake = new FakeFleet();
  t.after(() => fake[Symbol.asyncDispose]());
  await fake.watchDocumented();
  const feed = new FleetFeed(fake.parts({ maxSockets }));
  const join = async (query = '') => {
    const socket = new FakeLiveSocket();
    feed.join(socket, requestOf(query));
    await fake.clock.advance(0);
    return socket;
  };
  const change = async (id: string, usagePercent: number) => {
    const { cpu } = READINGS.ai;
    fake.feeds.answers.set(`http://${id}`, { ...READINGS.ai, cpu: { ...cpu, usagePercent } });
    await fake.clock.advance(5000);
  };
  return { fake, feed, join, change };
}

function requestOf(query: string): IncomingMessage {
  return { url: `/ws/metrics${query}` } as IncomingMessage;
}

function say(socket: FakeLiveSocket, message: unknown): void {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  socket.emit('message', Buffer.from(text));
}

function take(socket: FakeLiveSocket): readonly Message[] {
  return socket.sent.splice(0).map((text) => JSON.parse(text) as Message);
}

/** What of each message tells it from others: of an update whom it is about. */
function kindsOf(messages: readonly Message[]): readonly string[] {
  return messages.map(({ event_type, server_type }) => server_type ?? event_type);
}

describe('FleetFeed', () => {
  it('greets, tells how each server stands and then the overview', async (t) => {
    const { join } = await setUp(t);
    const messages = take(await join());
    assert.deepEqual(kindsOf(messages), ['connection_established', ...ALL, 'overview']);
    assert.partialDeepStrictEqual(messages[1]?.data, { cpu: { usage_percent: 45.2 } });
    assert.partialDeepStrictEqual(messages[4]?.data, { total_servers: 3 });
  });

  it('tells what changes, in order, and writes it once for all', async (t) => {
    const { fake, join } = await setUp(t);
    let written = 0;
    const sensor = {
      name: 'one that counts how often it is read',
      get celsius() {
        written += 1;
        return 50;
      },
    };
    fake.feeds.answers.set('http://nas-1', { sensors: [sensor] });
    await fake.watch(role('gpu-1', 'ai'), role('nas-1', 'any'));
    await fake.clock.advance(5000);
    const [one, two] = [await join(), await join()];
    assert.equal(written, 1);
    for (const socket of [one, two]) socket.sent.length = 0;
    await fake.clock.advance(6000);
    assert.equal(written, 2);
    assert.deepEqual(one.sent, two.sent);
    const messages = take(one);
    assert.deepEqual(kindsOf(messages), ['ai_server', 'nas-1', 'overview']);
    const revisions = messages.map(({ revision }) => Number(revision?.split('-')[1]));
    assert.deepEqual(
      revisions.toSorted((left, right) => left - right),
      revisions,
    );
    await fake.clock.advance(3000);
    assert.deepEqual(take(one), []);
  });

  it('tells a change within a second, and the overview once in an interval', async (t) => {
    const { fake, join } = await setUp(t);
    const socket = await join('?servers=ai_server,overview');
    await fake.clock.advance(5000);
    take(socket);
    fake.alerts.set(role('gpu-1').id, { critical: 1, warning: 0, info: 0 });
    await fake.clock.advance(1000);
    await fake.clock.advance(1000);
    assert.deepEqual(kindsOf(take(socket)), ['ai_server']);
    await fake.clock.advance(3000);
    const later = take(socket);
    assert.equal(later.at(-1)?.server_type, 'overview');
    assert.equal(later.at(-1)?.data?.['alerts_count'], 1);
  });

  it('tells only what somebody wishes for, and nothing to nobody', async (t) => {
    const { fake, join, change } = await setUp(t);
    const socket = await join('?servers=nas-1,app_server&since=');
    const kinds = kindsOf(take(socket));
    assert.deepEqual(kinds, ['connection_established', 'app_server', 'nas-1']);
    await change('gpu-1', 99);
    assert.deepEqual(kindsOf(take(socket)).toSorted(), ['app_server', 'nas-1']);
    say(socket, { type: 'subscribe', servers: ['gpu-1'] });
    await fake.clock.advance(1000);
    const [answer, update, ...others] = take(socket);
    assert.deepEqual(answer?.servers, ['gpu-1']);
    assert.equal(update?.server_type, 'gpu-1');
    assert.deepEqual(kindsOf(others), []);
    say(socket, { type: 'subscribe' });
    await fake.clock.advance(1000);
    assert.deepEqual(kindsOf(take(socket)), ['subscribed', ...ALL, 'overview']);
    socket.terminate();
    const timers = fake.clock.pendingTimers;
    const other = await join();
    assert.equal(fake.clock.pendingTimers, timers + 2);
    other.terminate();
    assert.equal(fake.clock.pendingTimers, timers);
  });

  it('goes on where somebody was, without a gap and without what he has', async (t) => {
    const { fake, join } = await setUp(t);
    const socket = await join();
    const last = take(socket).findLast(({ revision }) => revision !== undefined)?.revision ?? '';
    socket.terminate();
    const nothing = await join(`?since=${last}`);
    assert.deepEqual(kindsOf(take(nothing)), ['connection_established', 'overview']);
    nothing.terminate();
    fake.alerts.set(role('nas-1').id, { critical: 0, warning: 1, info: 0 });
    await fake.clock.advance(1000);
    const resumed = await join(`?since=${last}`);
    const expected = ['connection_established', 'storage_server', 'overview'];
    assert.deepEqual(kindsOf(take(resumed)), expected);
    const restarted = await join(`?since=00000000-${Number.MAX_SAFE_INTEGER}`);
    assert.equal(take(restarted).length, 5);
  });

  it('misses nothing that happens between any two messages', async (t) => {
    const { fake, join, change } = await setUp(t);
    const socket = await join();
    const seen = new Map<string, unknown>();
    let last = '';
    const hear = (messages: readonly Message[]) => {
      for (const { server_type: kind, revision, data } of messages) {
        if (kind === undefined || revision === undefined) continue;
        last = revision;
        seen.set(kind, (data?.['cpu'] as { usage_percent?: number } | undefined)?.usage_percent);
      }
    };
    hear(take(socket));
    await change('gpu-1', 70);
    await change('nas-1', 80);
    // It lost the line after the first of them, whichever it was.
    hear(take(socket).slice(0, 1));
    socket.terminate();
    await change('pve-1', 90);
    hear(take(await join(`?since=${last}`)));
    assert.deepEqual(
      ALL.map((kind) => seen.get(kind)),
      [70, 90, 80],
    );
    assert.ok(fake.fleet.revision > 0);
  });

  it('misses no name of a server that has several', async (t) => {
    const { fake, join } = await setUp(t);
    await fake.watch(role('gpu-1', 'ai', 'app', 'storage'));
    const socket = await join();
    const [, first] = take(socket);
    assert.equal(first?.server_type, 'ai_server');
    const resumed = kindsOf(take(await join(`?since=${first.revision}`)));
    for (const name of ['app_server', 'storage_server']) assert.ok(resumed.includes(name), name);
  });

  it('keeps the newest of each server for who is slow, and drops who stays so', async (t) => {
    const { fake, join, change } = await setUp(t);
    const socket = await join('?servers=ai_server');
    take(socket);
    socket.bufferedAmount = MUCH;
    for (const percent of [50, 60, 70]) await change('gpu-1', percent);
    await fake.clock.advance(1000);
    assert.deepEqual(socket.sent, []);
    socket.bufferedAmount = 0;
    await fake.clock.advance(1000);
    const updates = take(socket);
    assert.equal(updates.length, 1);
    assert.partialDeepStrictEqual(updates[0]?.data, { cpu: { usage_percent: 70 } });
    socket.bufferedAmount = MUCH;
    for (let at = 0; at < 50; at += 1) {
      socket.emit('pong');
      await fake.clock.advance(1000);
    }
    assert.equal(socket.isTerminated, true);
  });

  it('answers ping, request_update, and what it does not understand', async (t) => {
    const { fake, join } = await setUp(t);
    const socket = await join();
    take(socket);
    say(socket, { type: 'ping', timestamp: '2025-01-05T20:15:00Z' });
    assert.deepEqual(kindsOf(take(socket)), ['pong']);
    await fake.clock.advance(1000);
    say(socket, { type: 'request_update' });
    assert.deepEqual(kindsOf(take(socket)), [...ALL, 'overview']);
    for (let at = 0; at < 100; at += 1) say(socket, { type: 'request_update' });
    assert.deepEqual(take(socket), []);
    await fake.clock.advance(1000);
    assert.deepEqual(kindsOf(take(socket)), [...ALL, 'overview']);
    for (const [said, message] of [
      ['{', /^Invalid JSON format$/],
      ['7', /^Invalid JSON format$/],
      [{}, /^type: must be ping, request_update or subscribe/],
      [{ type: 'subscribe', servers: 'ai_server' }, /^servers: must be a list of texts/],
      [{ type: 'subscribe', servers: ['/'] }, /^servers: each must be overview, ai_server/],
      [{ type: 'subscribe', servers: Array(257).fill('a') }, /^servers: must be at most 256/],
    ] as const) {
      say(socket, said);
      const [error] = take(socket);
      assert.equal(error?.event_type, 'error');
      assert.match(error.message ?? '', message);
    }
  });

  it('is alive every half minute, and says how many follow', async (t) => {
    const { fake, join } = await setUp(t);
    const [one, two] = [await join('?servers=none'), await join('?servers=none')];
    take(one);
    await fake.clock.advance(29_999);
    assert.deepEqual(take(one), []);
    await fake.clock.advance(1);
    const [beat] = take(one);
    assert.deepEqual([beat?.event_type, beat?.connections], ['heartbeat', 2]);
    assert.equal(two.pings, 1);
  });

  it('refuses a wish that it cannot read, and who comes when there is no room', async (t) => {
    const { feed, join } = await setUp(t, { maxSockets: 1 });
    assert.throws(() => feed.assertMayJoin(requestOf('?servers=A')), {
      kind: 'invalid_argument',
    });
    const first = await join();
    assert.throws(() => feed.assertMayJoin(requestOf('')), { reason: 'TOO_MANY_SOCKETS' });
    assert.equal((await join()).closed, 1013);
    first.terminate();
    feed.assertMayJoin(requestOf(''));
  });

  it('ends with the server', async (t) => {
    const { fake, feed, join } = await setUp(t);
    const socket = await join();
    feed.end();
    assert.equal(socket.closed, 1001);
    await fake.clock.advance(1000);
    assert.equal(socket.isTerminated, true);
  });

  it('waits a second for servers that were only just asked', async (t) => {
    const { fake, join } = await setUp(t);
    fake.feeds.answers.set('http://new', 'hangs');
    await fake.begin(role('gpu-1', 'ai'), role('new'));
    const socket = await join();
    assert.deepEqual(kindsOf(take(socket)), ['connection_established']);
    await fake.clock.advance(1000);
    assert.deepEqual(kindsOf(take(socket)), ['ai_server', 'new', 'overview']);
  });
});
