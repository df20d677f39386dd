/** Both sides of tasks, over a real port, and in a real thread. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { MemoryLink, openPortLinks } from '#test/wire-fixture.ts';
import { PortLink } from './port-link.ts';
import { TaskCalls, type TaskCallOptions } from './task-calls.ts';
import { TaskRunner } from './task-runner.ts';

/** The tasks of these tests: a module made of its own text, so that nothing else can import it. */
const SOURCE = `
  export const double = (input) => input * 2;
  export const later = async (input) => { await null; return input; };
  export const throwing = () => { throw new Error('secret detail'); };
  export const rejecting = async (input, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  };
  export const reporting = (input, { progress }) => [0, 1, 2].forEach((at) => progress(at));
  export const fill = (bytes, { transfer }) => transfer(bytes.fill(7), [bytes.buffer]);
  export const uncloneable = () => () => 1;
  export const badProgress = (input, { progress }) => { progress(() => 1); return 1; };
  let loads = 0; loads += 1;
  export const loaded = () => loads;
  export const text = 'no function';
`;
const TASKS = `data:text/javascript,${encodeURIComponent(SOURCE)}`;

async function openTasks() {
  const stack = new AsyncDisposableStack();
  const links = stack.use(await openPortLinks());
  const runner = new TaskRunner({ link: links.member });
  links.member.receive((frame) => runner.receive(frame));
  const calls = new TaskCalls(links.pool);
  links.pool.receive((frame) => calls.receive(frame));
  const run = (name: string, input?: unknown, options?: TaskCallOptions) =>
    calls.run(TASKS, name, input, options);
  return { run, runner, calls, links, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('TaskCalls', () => {
  it('answers with what the function answers, at once or later', async () => {
    await using tasks = await openTasks();
    const inputs = Array.from({ length: 200 }, (_, at) => at);
    const doubled = Promise.all(inputs.map((input) => tasks.run('double', input)));
    const same = Promise.all(inputs.map((input) => tasks.run('later', input)));
    assert.deepEqual(
      await doubled,
      inputs.map((input) => input * 2),
    );
    assert.deepEqual(await same, inputs);
    assert.equal(tasks.calls.size, 0);
    assert.equal(tasks.runner.size, 0);
  });

  it('moves buffers there and back', async () => {
    await using tasks = await openTasks();
    const bytes = new Uint8Array(100_000);
    const result = tasks.run('fill', bytes, { transfer: [bytes.buffer] });
    const filled = await result;
    assert.ok(filled instanceof Uint8Array);
    assert.ok(filled.every((byte) => byte === 7));
    assert.equal(bytes.length, 0);
  });

  it('hands on progress before the result, in order', async () => {
    await using tasks = await openTasks();
    const values: unknown[] = [];
    await tasks.run('reporting', undefined, { onProgress: (value) => values.push(value) });
    assert.deepEqual(values, [0, 1, 2]);
  });

  it('rejects with what onProgress throws, and goes on with other tasks', async () => {
    await using tasks = await openTasks();
    const failing = tasks.run('reporting', undefined, {
      onProgress: () => {
        throw new Error('no room for progress');
      },
    });
    await assert.rejects(failing, /no room/);
    assert.equal(await tasks.run('double', 4), 8);
  });

  it('keeps what a foreign error says out of the message, and for the log', async () => {
    await using tasks = await openTasks();
    await assert.rejects(tasks.run('throwing'), (error: unknown) => {
      assert.ok(error instanceof DroverError);
      assert.equal(error.kind, 'internal');
      assert.doesNotMatch(error.message, /secret/);
      assert.match(String(error.context['detail']), /secret detail/);
      return true;
    });
  });

  it('keeps the kind of an error of ours', async () => {
    await using tasks = await openTasks();
    const named = (error: unknown) => isErrorKind(error, 'invalid_argument');
    await assert.rejects(tasks.run('text'), named);
    await assert.rejects(tasks.run('missing'), named);
    await assert.rejects(tasks.calls.run('file:///nowhere.mjs', 'run', 1), /internal error/);
  });

  it('rejects at once with the reason of the signal, and the member is told', async () => {
    await using tasks = await openTasks();
    const controller = new AbortController();
    const running = tasks.run('rejecting', undefined, { signal: controller.signal });
    assert.equal(await tasks.run('double', 1), 2);
    controller.abort(new Error('the user left'));
    await assert.rejects(running, /the user left/);
    assert.equal(tasks.calls.size, 0);
    // Answers come in order, so that this one says that the other has ended as well.
    while (tasks.runner.size > 0) await tasks.run('later', 1);
  });

  it('does not begin when the signal has aborted before', async () => {
    const link = new MemoryLink();
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(new TaskCalls(link).run(TASKS, 'double', 1, { signal }), /too late/);
    assert.deepEqual(link.sent, []);
  });

  it('fails only the task whose input or result cannot cross', async () => {
    await using tasks = await openTasks();
    const good = [tasks.run('double', 1), tasks.run('uncloneable'), tasks.run('double', 2)];
    const bad = tasks.run('double', () => 1);
    const odd = tasks.run('badProgress');
    const settled = await Promise.allSettled([...good, bad, odd, tasks.run('double', 3)]);
    assert.deepEqual(
      settled.map((each) => (each.status === 'fulfilled' ? each.value : each.status)),
      [2, 'rejected', 4, 'rejected', 'rejected', 6],
    );
    await assert.rejects(bad, /input: must be/);
  });

  it('fails everything under way when the member is gone, and what is run later', async () => {
    const calls = new TaskCalls(new MemoryLink());
    const { signal } = new AbortController();
    const running = [calls.run(TASKS, 'a', 1), calls.run(TASKS, 'b', 1, { signal })];
    calls.fail(new DroverError('unavailable', 'it is gone', { reason: 'WORKER_CRASHED' }));
    for (const promise of [...running, calls.run(TASKS, 'c', 1)]) {
      await assert.rejects(promise, { reason: 'WORKER_CRASHED' });
    }
  });

  it('leaves frames of tasks that have ended alone', () => {
    const calls = new TaskCalls(new MemoryLink());
    calls.receive({ type: 'result', id: 2 ** 31, value: 1 });
    calls.receive({ type: 'progress', id: 2 ** 31, value: 1 });
    calls.receive({ type: 'stats', stats: { heapUsedBytes: 0, isolateBytes: 0, utilization: 0 } });
  });

  it('runs tasks in a thread', async () => {
    const { port1, port2 } = new MessageChannel();
    const main = `
      import { workerData } from 'node:worker_threads';
      const { PortLink } = await import(workerData.portLink);
      const { TaskRunner } = await import(workerData.taskRunner);
      const link = new PortLink(workerData.port);
      const runner = new TaskRunner({ link });
      link.receive((frame) => runner.receive(frame));
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(main)}`), {
      workerData: {
        port: port2,
        portLink: new URL('port-link.ts', import.meta.url).href,
        taskRunner: new URL('task-runner.ts', import.meta.url).href,
      },
      transferList: [port2],
    });
    const link = new PortLink(port1);
    const calls = new TaskCalls(link);
    link.receive((frame) => calls.receive(frame));
    assert.equal(await calls.run(TASKS, 'double', 21), 42);
    assert.equal(await calls.run(TASKS, 'loaded', undefined), 1);
    const values: unknown[] = [];
    await calls.run(TASKS, 'reporting', undefined, { onProgress: (value) => values.push(value) });
    assert.deepEqual(values, [0, 1, 2]);
    const ended = once(worker, 'exit');
    link.close();
    await ended;
  });
});
