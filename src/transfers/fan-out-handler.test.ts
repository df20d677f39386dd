import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobContext } from '#jobs/job-handler.ts';
import type { Job, JobRequest, JobState, JsonObject } from '#jobs/job.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import { REQUEST, WEB_SERVER } from '#test/fake-migration.ts';
import { FanOutHandler } from './fan-out-handler.ts';
import { readSpec } from './migration-spec.ts';
import { parseMigration } from './parse-migration.ts';
import type { VmSummary } from './source-vm.ts';
import type { Source } from './source.ts';

const PATTERN = 'DC0/vm/Production/*';

/** The jobs that it makes are in the state that a test says, once they are submitted. */
function setUp(vms: readonly VmSummary[], changes: Partial<Job> = {}) {
  const submitted: JobRequest[] = [];
  const asked: unknown[] = [];
  const states = new Map<string, JobState>();
  const world = {
    ...{ submitted, asked, states, first: 'completed' as JobState, slotsLeft: 0 },
    checkpoint: undefined as unknown,
    cancelled: [] as string[],
    retried: [] as string[],
    onCancel: () => undefined as void,
    controls: {} as JsonObject,
    controlled: [] as unknown[],
    controller: new AbortController(),
  };
  const clock = new FakeClock();
  const handler = new FanOutHandler({
    clock,
    sources: {
      open: async () => {
        const source: Pick<Source, 'listVms'> & AsyncDisposable = {
          listVms: async (options) => {
            asked.push(options.pattern);
            return vms;
          },
          [Symbol.asyncDispose]: async () => undefined,
        };
        return source as Source;
      },
    },
    jobs: {
      submit: async (requests) => {
        submitted.push(...requests);
        for (const { id } of requests) {
          if (!states.has(String(id))) states.set(String(id), world.first);
        }
        return [];
      },
      list: async ({ ids = [], states: wanted = [] }) => {
        const found = ids.filter((id) => wanted.some((state) => state === states.get(id)));
        const jobs = found.map((id) => ({ id, subject: id, state: states.get(id) }) as Job);
        return { jobs, total: found.length, next: undefined };
      },
      cancel: async ({ ids }) => {
        world.cancelled.push(...ids);
        for (const id of ids) states.set(id, 'cancelled');
        world.onCancel();
      },
      retry: async (id) => {
        world.retried.push(id);
        states.set(id, world.first);
      },
      clean: async (id) => [`what ${id} left`],
      setControls: async (id, controls) => {
        if (states.get(id) !== 'running') throw new DroverError('failed_precondition', 'it ended');
        world.controlled.push([id, controls]);
      },
    },
  });
  const request = parseMigration({
    ...REQUEST,
    vm_path: PATTERN,
    source: { vcenter_url: 'vc', username: 'u', password: 'secret' },
  });
  const { name, spec, subject, lanes = [] } = request;
  const job: Partial<Job> = {
    ...{ name, spec, subject, lanes, priority: 0, maxAttempts: 7, batchId: undefined },
    id: 'parent' as JobId,
    ...changes,
  };
  const context: Partial<JobContext> = {
    job: job as Job,
    secrets: { password: 'secret' },
    signal: world.controller.signal,
    get checkpoint() {
      return world.checkpoint;
    },
    saveCheckpoint: async (saved) => void (world.checkpoint = saved),
    controls: () => world.controls,
    leaveSlot: () => void (world.slotsLeft += 1),
    report: () => undefined,
    log: () => undefined,
  };
  const run = () => handler.run(context as JobContext);
  return Object.assign(world, {
    ...{ clock, run, lanes },
    cleanUp: () => handler.cleanUp(context as JobContext),
  });
}

function vm(ref: string, changes: Partial<VmSummary> = {}): VmSummary {
  return { ...WEB_SERVER, ref, name: ref, path: `DC0/vm/Production/${ref}`, ...changes };
}

describe('a job for a path with a star', () => {
  it('submits a job for each VM that matches, under one batch, none for templates', async () => {
    const { submitted, asked, run } = setUp([vm('a'), vm('b'), vm('t', { isTemplate: true })]);
    assert.deepEqual(await run(), { batch_id: 'parent', submitted: 2, completed: 2 });
    assert.deepEqual(asked, [PATTERN]);
    assert.deepEqual(
      submitted.map(({ kind, subject, batchId, maxAttempts, secrets }) => [
        ...[kind, subject, batchId, maxAttempts, secrets?.['password']],
      ]),
      ['a', 'b'].map((name) => ['migration', `DC0/vm/Production/${name}`, 'parent', 7, 'secret']),
    );
    const [first] = submitted;
    assert.ok(first);
    assert.equal(readSpec(first).vmPath, 'DC0/vm/Production/a');
  });

  it('submits the same jobs again after a crash, by ids that clients expect', async () => {
    const once = setUp([vm('a'), vm('b')]);
    const again = setUp([vm('b'), vm('a')]);
    await once.run();
    await again.run();
    const ids = ({ submitted }: typeof once) => submitted.map(({ id }) => String(id)).toSorted();
    assert.deepEqual(ids(once), ids(again));
    assert.equal(new Set(ids(once)).size, 2);
    for (const id of ids(once)) {
      assert.match(
        id ?? '',
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  it('keeps the batch that it is in, and fails when nothing matches', async () => {
    const inBatch = setUp([vm('a')], { batchId: 'wave-1' });
    assert.deepEqual(await inBatch.run(), { batch_id: 'wave-1', submitted: 1, completed: 1 });
    await assert.rejects(setUp([]).run(), { kind: 'not_found', reason: 'NO_VM_MATCHES' });
  });

  it('waits for what it made without a slot or lane, and ends as they did', async () => {
    const world = setUp([vm('a'), vm('b'), vm('c')]);
    world.first = 'running';
    const running = world.run();
    await world.clock.advance(10_000);
    assert.deepEqual([world.slotsLeft, world.lanes], [1, []]);
    assert.deepEqual(world.submitted[0]?.lanes, ['destination:qemu:///system', 'vcenter:vc']);
    const [a, b, c] = world.submitted.map(({ id }) => String(id));
    world.states
      .set(a ?? '', 'completed')
      .set(b ?? '', 'failed')
      .set(c ?? '', 'cancelled');
    const ended = assert.rejects(running, {
      ...{ kind: 'failed_precondition', reason: 'BATCH_FAILED' },
      message: `of 3 jobs 1 failed and 1 was cancelled: ${b} failed, ${c} cancelled`,
    });
    await world.clock.advance(2000);
    await ended;
  });

  it('tries those again that did not succeed, when it is tried again itself', async () => {
    const world = setUp([vm('a'), vm('b'), vm('c')]);
    await world.run();
    const [a, b, c] = world.submitted.map(({ id }) => String(id));
    world.states.set(b ?? '', 'failed').set(c ?? '', 'cancelled');
    await assert.rejects(world.run(), { message: /^of 3 jobs 1 failed and 1 was cancelled: / });
    assert.deepEqual([world.retried, world.asked.length], [[], 1]);
    world.states.set(a ?? '', 'completed');
    assert.deepEqual(await world.run(), { batch_id: 'parent', submitted: 3, completed: 3 });
    assert.deepEqual([world.retried, world.asked.length], [[b, c], 1]);
    // Cleaned up it knows nothing of them any more.
    world.checkpoint = undefined;
    world.states.set(a ?? '', 'failed');
    await world.run();
    assert.deepEqual([world.retried, world.asked.length], [[b, c, a], 2]);
  });

  it('leaves alone those that fail, or are cancelled, while it submits the others', async () => {
    for (const isCrashed of [false, true]) {
      const world = setUp([vm('a'), vm('b')]);
      world.first = 'cancelled';
      if (isCrashed) world.checkpoint = { children: ['of an earlier attempt'], isSubmitted: false };
      await assert.rejects(world.run(), { message: /^of 2 jobs 2 were cancelled: / });
      assert.deepEqual(world.retried, []);
    }
  });

  it('sets its limits for each of them, once for each change', async () => {
    const world = setUp([vm('a'), vm('b')]);
    world.first = 'running';
    const running = world.run();
    await world.clock.advance(2000);
    assert.deepEqual(world.controlled, []);
    const [a, b] = world.submitted.map(({ id }) => String(id));
    world.controls = { bandwidth_limit: 1000 };
    await world.clock.advance(10_000);
    assert.deepEqual(world.controlled, [
      [a, world.controls],
      [b, world.controls],
    ]);
    for (const id of [a, b]) world.states.set(id ?? '', 'completed');
    await world.clock.advance(2000);
    await running;
  });

  it('goes on waiting after a crash, and finds nothing anew once all was submitted', async () => {
    const world = setUp([vm('a')]);
    await world.run();
    await world.run();
    assert.equal(world.asked.length, 1);
    world.checkpoint = { ...(world.checkpoint as object), isSubmitted: false };
    await world.run();
    assert.equal(world.asked.length, 2);
  });

  it('cancels what it made, also what a crash kept it from hearing of', async () => {
    const world = setUp([vm('a'), vm('b')]);
    world.first = 'running';
    const running = assert.rejects(world.run(), /stop/);
    await world.clock.advance(1000);
    world.controller.abort(new Error('stop'));
    await running;
    world.controller = new AbortController();
    assert.deepEqual(await world.cleanUp(), []);
    assert.deepEqual(
      world.cancelled,
      world.submitted.map(({ id }) => String(id)),
    );
  });

  it('removes what those that failed have left', async () => {
    const world = setUp([vm('a'), vm('b')]);
    await world.run();
    const b = String(world.submitted[1]?.id);
    world.onCancel = () => void world.states.set(b, 'failed');
    assert.deepEqual(await world.cleanUp(), [`what ${b} left`]);
  });
});
