import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeTask } from '#backends/fake/fake-member.ts';
import { DroverError } from '#kernel/errors.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { PoolFixture, tasksApp } from '#test/pool-fixture.ts';

const TASK = { module: 'file:///hash.ts', name: 'hash' };

/** Tasks that threads have and the test answers. */
function openTasks(limits = {}) {
  const tasks: FakeTask[] = [];
  const fixture = new PoolFixture({ script: { task: (task) => void tasks.push(task) } });
  fixture.pool.admit(tasksApp(limits));
  return { fixture, tasks, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

describe('tasks of the platform', () => {
  it('run in threads that load no app, and answer with what they made', async () => {
    await using held = openTasks();
    const { fixture, tasks } = held;
    const progress: unknown[] = [];
    const onProgress = (value: unknown) => void progress.push(value);
    const answer = fixture.pool.run<number>(TASK, { of: 1 }, { onProgress });
    await fixture.settle();
    assert.deepEqual([tasks[0]?.name, tasks[0]?.input], ['hash', { of: 1 }]);
    tasks[0]?.send({ type: 'progress', id: tasks[0].id, value: 0.5 });
    await fixture.settle();
    tasks[0]?.result(42);
    assert.equal(await answer, 42);
    assert.deepEqual(progress, [0.5]);
    assert.equal(fixture.threads.launches, 1);
    assert.deepEqual(fixture.memberOf('(tasks)').told, ['task']);
    assert.equal(fixture.live()[0]?.kind, 'thread');
  });

  it('are taken out of the queue when they are cancelled, with the reason', async () => {
    await using held = openTasks({ maxWorkers: 1 });
    const { fixture, tasks } = held;
    const first = fixture.pool.run(TASK, 1);
    const stop = new AbortController();
    const second = fixture.pool.run(TASK, 2, { signal: stop.signal });
    await fixture.settle();
    stop.abort(new Error('never mind'));
    await assert.rejects(second, /never mind/);
    assert.equal(fixture.pool.apps()[0]?.queued, 0);
    tasks[0]?.result(1);
    assert.equal(await first, 1);
    await assert.rejects(fixture.pool.run(TASK, 3, { signal: stop.signal }), /never mind/);
    assert.equal(tasks.length, 1);
  });

  it('are handed out ahead while they are short, and no more after one that was not', async () => {
    await using held = openTasks({ maxWorkers: 1, concurrency: 1 });
    const { fixture, tasks } = held;
    const run = async (count: number) => {
      const answers = Array.from({ length: count }, (_, at) => fixture.pool.run(TASK, at));
      await fixture.settle();
      const handedOut = tasks.length;
      while (tasks.length > 0) {
        tasks.shift()?.result(0);
        await fixture.settle();
      }
      await Promise.all(answers);
      return handedOut;
    };
    assert.equal(await run(6), 1);
    assert.equal(await run(6), 4);
    const long = fixture.pool.run(TASK, 'long');
    await fixture.settle();
    await fixture.advance(50);
    tasks.shift()?.result(0);
    await long;
    assert.equal(await run(6), 1);
  });

  it('are stopped in their thread when they are cancelled', async () => {
    await using held = openTasks({ maxWorkers: 1 });
    const { fixture } = held;
    const stop = new AbortController();
    const answer = fixture.pool.run(TASK, 1, { signal: stop.signal });
    await fixture.settle();
    stop.abort(new Error('never mind'));
    await assert.rejects(answer, /never mind/);
    await fixture.settle();
    assert.deepEqual(fixture.memberOf('(tasks)').told, ['task', 'abort']);
    assert.equal(fixture.pool.counts().idle, 1);
  });

  it('fail with their thread, and with what they throw', async () => {
    await using held = openTasks({ maxWorkers: 1 });
    const { fixture, tasks } = held;
    const lost = fixture.pool.run(TASK, 1);
    await fixture.settle();
    fixture.memberOf('(tasks)').crash('exit code 1');
    await assert.rejects(lost, { reason: 'WORKER_CRASHED' });
    const failed = fixture.pool.run(TASK, 2);
    await fixture.settle();
    const error = { kind: 'invalid_argument', message: 'of: must be a file', reason: 'BAD' };
    tasks[1]?.send({ type: 'fail', id: tasks[1].id, error });
    await assert.rejects(failed, (thrown) => {
      assert.ok(thrown instanceof DroverError);
      return thrown.kind === 'invalid_argument' && thrown.message === 'of: must be a file';
    });
  });

  it('wait in the queue like requests, and share a thread as far as they may', async () => {
    await using held = openTasks({ maxWorkers: 1, concurrency: 4, queueLimit: 1 });
    const { fixture, tasks } = held;
    const answers: Promise<unknown>[] = [];
    const run = async () => {
      answers.push(fixture.pool.run(TASK, answers.length));
      await fixture.settle();
    };
    for (let each = 0; each < 5; each += 1) await run();
    assert.equal(tasks.length, 4);
    await assert.rejects(fixture.pool.run(TASK, 9), { reason: 'QUEUE_FULL' });
    for (const task of tasks) task.result(task.input);
    await fixture.settle();
    tasks[4]?.result(4);
    assert.deepEqual(await Promise.all(answers), [0, 1, 2, 3, 4]);
  });

  it('fail one by one when their input cannot cross, however many wait', async () => {
    await using held = openTasks({ maxWorkers: 1, queueLimit: 20_000, queueTimeoutMs: 60_000 });
    const { fixture, tasks } = held;
    const first = fixture.pool.run(TASK, 0);
    await fixture.settle();
    const { member } = tasks[0] ?? assert.fail('no task came');
    member.link.send = () => {
      throw new DOMException('it could not be cloned', 'DataCloneError');
    };
    const others = Array.from({ length: 10_000 }, (_, at) => fixture.pool.run(TASK, at));
    const settled = Promise.allSettled(others);
    tasks[0]?.result(0);
    await first;
    const failed = (await settled).filter(({ status }) => status === 'rejected');
    assert.equal(failed.length, 10_000);
    assert.equal(fixture.pool.apps()[0]?.inFlight, 0);
  });

  it('are judged by the memory of their own thread, not by its part of the process', async () => {
    await using held = openTasks({ minWorkers: 1, maxMemoryBytes: 100 * MIB });
    const { fixture } = held;
    await fixture.settle();
    const thread = fixture.memberOf('(tasks)');
    thread.rssBytes = 2 * GIB;
    thread.report(0, 20 * MIB);
    await fixture.advance(12_000);
    assert.equal(fixture.live()[0]?.memory?.source, 'share');
    assert.ok(!thread.isEnded);
    thread.report(0, 101 * MIB);
    await fixture.advance(12_000);
    assert.ok(thread.isEnded);
  });

  it('cannot be run before there are threads for them', async () => {
    await using fixture = new PoolFixture();
    await assert.rejects(fixture.pool.run(TASK, 1), { reason: 'APP_NOT_FOUND' });
  });
});
