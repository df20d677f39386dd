import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScheduleEvent } from '#events/event.ts';
import type { JobId, ScheduleId } from '#kernel/ids.ts';
import { FakeLiveSocket } from '#test/fake-live-socket.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { FakeMigration } from '#test/migration-fixture.ts';
import { LiveFeed } from './live-feed.ts';

function setUp({ maxSockets = 10 } = {}) {
  const fake = new FakeMigration();
  const logged = createLogCapture();
  const feed = new LiveFeed(fake.parts({ maxSockets, log: logged.log }));
  const join = async () => {
    const socket = new FakeLiveSocket();
    feed.join(socket);
    await fake.clock.advance(0);
    return socket;
  };
  return { fake, feed, join, logged };
}

const TRIGGERED: ScheduleEvent = {
  ...{ kind: 'schedule.triggered', machineId: undefined, customerId: undefined },
  ...{ scheduleId: 'daily-backup' as ScheduleId, scheduleName: 'Daily', isManual: false },
  ...{ jobId: 'job-1' as JobId, message: 'it is due' },
};

function statesOf(socket: FakeLiveSocket): readonly unknown[] {
  const updates = socket.take().filter(({ type }) => type === 'job_update');
  return updates.map(({ data }) => data['status']);
}

describe('the feed', () => {
  it('begins with the newest jobs and the status, as documented', async () => {
    const { fake, join } = setUp();
    for (let at = 0; at < 150; at += 1) fake.jobs.add({}, { state: 'running', createdAt: at });
    await fake.clock.advance(60_000);
    const [jobs, status] = (await join()).messages;
    assert.deepEqual(status, {
      ...{ type: 'status', timestamp: '2026-01-17T10:31:00.000Z' },
      data: {
        ...{ total_jobs: 150, running_jobs: 150, completed_jobs: 0, failed_jobs: 0 },
        ...{ cancelled_jobs: 0, pending_jobs: 0, worker_count: 10, active_workers: 3 },
      },
    });
    assert.equal(jobs?.type, 'jobs');
    const list = jobs.data['jobs'] as { readonly definition: { readonly id: string } }[];
    assert.equal(list.length, 100);
    const newest = [...fake.jobs.all.keys()].at(-1);
    assert.equal(list[0]?.definition.id, newest);
  });

  it('tells the status every two seconds', async () => {
    const { fake, join } = setUp();
    const socket = await join();
    socket.take();
    await fake.clock.advance(1999);
    assert.deepEqual(socket.types(), []);
    await fake.clock.advance(1);
    assert.deepEqual(socket.types(), ['status']);
    await fake.clock.advance(4000);
    assert.deepEqual(socket.types(), ['status', 'status', 'status']);
  });

  it('tells of each change of a job once, within half a second', async () => {
    const { fake, join } = setUp();
    const { id } = fake.jobs.add();
    await fake.clock.advance(60_000);
    const socket = await join();
    socket.take();
    fake.jobs.set(id, { state: 'running' });
    await fake.clock.advance(500);
    const [update, ...rest] = socket.take();
    assert.deepEqual(rest, []);
    assert.equal(update?.type, 'job_update');
    assert.partialDeepStrictEqual(update.data, { definition: { id }, status: 'running' });
    await fake.clock.advance(1000);
    assert.deepEqual(socket.types(), []);
    fake.jobs.set(id, { state: 'completed' });
    await fake.clock.advance(500);
    const types = socket.take().filter(({ type }) => type === 'job_update');
    assert.deepEqual(
      types.map(({ data }) => data['status']),
      ['completed'],
    );
  });

  it('misses no change that another process dated a little earlier', async () => {
    const { fake, join } = setUp();
    const [first, second] = [fake.jobs.add(), fake.jobs.add()];
    await fake.clock.advance(60_000);
    const socket = await join();
    fake.jobs.set(first.id, { state: 'running' });
    await fake.clock.advance(500);
    socket.take();
    fake.jobs.set(second.id, { state: 'running', updatedAt: fake.clock.nowMs() - 3000 });
    await fake.clock.advance(500);
    const [update] = socket.take();
    assert.partialDeepStrictEqual(update?.data, { definition: { id: second.id } });
  });

  it('tells of a thousand jobs that change at the same instant', async () => {
    const { fake, join } = setUp();
    await fake.clock.advance(60_000);
    const socket = await join();
    socket.take();
    for (let at = 0; at < 1200; at += 1) fake.jobs.add();
    const before = fake.jobs.asked.list;
    await fake.clock.advance(500);
    assert.equal(fake.jobs.asked.list - before, 4);
    const ids = socket.take().map(({ data }) => (data['definition'] as { id: string }).id);
    assert.equal(new Set(ids).size, 1200);
    assert.equal(ids.length, 1200);
  });

  it('does so much in a look, and the rest in the next', async () => {
    const { fake, join } = setUp();
    const socket = await join();
    socket.take();
    for (let at = 0; at < 3000; at += 1) fake.jobs.add();
    await fake.clock.advance(500);
    assert.equal(socket.take().length, 2000);
    await fake.clock.advance(500);
    assert.equal(socket.take().length, 1000);
  });

  it('tells of what is no event as long as a job runs', async () => {
    const { fake, join } = setUp();
    const { id } = fake.jobs.add({}, { state: 'running' });
    const socket = await join();
    socket.take();
    await fake.clock.advance(500);
    assert.deepEqual(socket.take(), []);
    for (const percent of [3, 4]) {
      fake.jobs.set(id, {
        progress: {
          ...{ stage: 'copy', percent, doneBytes: percent, totalBytes: 100, parts: [] },
          ...{ bytesPerSecond: undefined, secondsLeft: undefined, message: undefined },
        },
      });
      await fake.clock.advance(500);
      const updates = socket.take().filter(({ type }) => type === 'job_update');
      assert.equal(updates.length, 1);
      assert.partialDeepStrictEqual(updates[0]?.data, { progress: { percent_complete: percent } });
    }
  });

  it('tells a version once that is there before its event is read', async () => {
    const { fake, join } = setUp();
    const { id } = fake.jobs.add();
    const socket = await join();
    fake.jobs.set(id, { state: 'running' });
    fake.jobs.set(id, { state: 'completed' });
    const ended = fake.events.recorded.pop();
    assert.ok(ended !== undefined);
    await fake.clock.advance(500);
    assert.deepEqual(statesOf(socket), ['completed']);
    fake.events.add(ended.event);
    await fake.clock.advance(500);
    assert.deepEqual(statesOf(socket), []);
  });

  it('tells after a failure what it could not tell before', async () => {
    const { fake, join } = setUp();
    const { id } = fake.jobs.add();
    const socket = await join();
    socket.take();
    fake.jobs.set(id, { state: 'completed' });
    fake.jobs.failure = new Error('the database is away');
    await fake.clock.advance(1000);
    fake.jobs.failure = undefined;
    await fake.clock.advance(500);
    assert.deepEqual(statesOf(socket), ['completed']);
  });

  it('tells what schedules do from now on', async () => {
    const { fake, join } = setUp();
    fake.events.add({ ...TRIGGERED, kind: 'schedule.failed' });
    const socket = await join();
    socket.take();
    fake.events.add(TRIGGERED);
    await fake.clock.advance(500);
    assert.deepEqual(
      socket.take().map(({ type, data }) => [type, data]),
      [
        [
          'schedule_event',
          {
            ...{ schedule_id: 'daily-backup', event: 'triggered', schedule_name: 'Daily' },
            ...{ job_id: 'job-1', manual: false, message: 'it is due' },
          },
        ],
      ],
    );
  });

  it('asks once and writes once for all who follow', async () => {
    const { fake, join } = setUp();
    const { id } = fake.jobs.add();
    const sockets = [await join(), await join(), await join()];
    for (const socket of sockets) socket.take();
    const before = { ...fake.jobs.asked };
    fake.jobs.set(id, { state: 'running' });
    await fake.clock.advance(2000);
    assert.equal(fake.jobs.asked.counts - before.counts, 1);
    // A look at those that run is one, and one more is for the job that went on.
    assert.equal(fake.jobs.asked.list - before.list, 5);
    const [first, ...others] = sockets.map(({ sent }) => sent);
    for (const other of others) assert.deepEqual(other, first);
  });

  it('shares the first messages among those who come at once', async () => {
    const { fake, feed } = setUp();
    const sockets = Array.from({ length: 5 }, () => new FakeLiveSocket());
    for (const socket of sockets) feed.join(socket);
    await fake.clock.advance(0);
    assert.equal(fake.jobs.asked.counts, 1);
    for (const socket of sockets) assert.deepEqual(socket.types().slice(0, 2), ['jobs', 'status']);
  });

  it('asks nothing and has no timer while nobody follows', async () => {
    const { fake, join } = setUp();
    await fake.clock.advance(10_000);
    assert.deepEqual(fake.jobs.asked, { list: 0, counts: 0 });
    const socket = await join();
    socket.terminate();
    const asked = { ...fake.jobs.asked };
    await fake.clock.advance(10_000);
    assert.deepEqual(fake.jobs.asked, asked);
    assert.equal(fake.clock.pendingTimers, 0);
  });

  it('pings every 54 s and drops who does not answer', async () => {
    const { fake, join } = setUp();
    const [living, dead] = [await join(), await join()];
    await fake.clock.advance(54_000);
    assert.deepEqual([living.pings, dead.pings], [1, 1]);
    living.emit('pong');
    await fake.clock.advance(7000);
    assert.deepEqual([living.isTerminated, dead.isTerminated], [false, true]);
  });

  it('goes on when the database comes back, having complained once', async () => {
    const { fake, join, logged } = setUp();
    const socket = await join();
    fake.jobs.failure = new Error('the database is away');
    await fake.clock.advance(5000);
    fake.jobs.failure = undefined;
    socket.take();
    await fake.clock.advance(2000);
    assert.ok(socket.types().includes('status'));
    const complaints = logged.records().filter(({ level }) => level === 'warn');
    assert.equal(complaints.length, 1);
  });

  it('sends away who comes while the database is', async () => {
    const { fake, join } = setUp();
    fake.jobs.failure = new Error('the database is away');
    assert.equal((await join()).closed, 1011);
  });

  it('has room for so many and no more', async () => {
    const { feed, join } = setUp({ maxSockets: 1 });
    feed.assertRoom();
    const first = await join();
    assert.throws(() => feed.assertRoom(), { kind: 'unavailable', reason: 'TOO_MANY_SOCKETS' });
    assert.equal((await join()).closed, 1013);
    first.terminate();
    feed.assertRoom();
  });

  it('ends with the server, and cuts off who does not close', async () => {
    const { fake, feed, join } = setUp();
    const [polite, stubborn] = [await join(), await join()];
    feed.end();
    assert.deepEqual([polite.closed, stubborn.closed], [1001, 1001]);
    polite.emit('close');
    await fake.clock.advance(1000);
    assert.equal(stubborn.isTerminated, true);
    assert.equal(fake.clock.pendingTimers, 0);
  });
});
