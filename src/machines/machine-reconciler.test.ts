import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newIntent, newMachine } from '#test/contract/store-fixtures.ts';
import {
  BOOT,
  failure,
  hold,
  isState,
  never,
  openWorld,
  PAUSE,
  reboot,
  remove,
  shutdown,
  type Life,
} from '#test/machine-fixture.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { MachineCommand } from './machine-command.ts';

const VM = 'vm_1' as MachineId;
const OTHER = 'vm_2' as MachineId;

/** Asks, and expects no answer: the process ends before there is one. */
function begin(life: Life, command: MachineCommand, name: string = VM): void {
  void life.do(name, command);
}

/** The process stands still before this call to the store, for good. */
function freezeBefore(life: Life, method: string): Promise<void> {
  const reached = Promise.withResolvers<void>();
  life.beforeStore = async (now) => {
    if (now !== method) return;
    reached.resolve();
    await never;
  };
  return reached.promise;
}

async function quiet(life: Life, name: string = VM): Promise<void> {
  while ((await life.pendingOf(name)) > 0) await life.clock.advance(100);
}

async function kindsOf(life: Life): Promise<string[]> {
  return (await life.eventsOf(VM)).map((event) =>
    event.kind === 'machine.state-changed' ? `${event.from} → ${event.state}` : event.kind,
  );
}

describe('after a crash', () => {
  it('running and paused machines are the same processes as before, under control', async () => {
    await using world = await openWorld();
    const first = await world.live();
    const names = ['vm_1', 'vm_2', 'vm_3', 'vm_4', 'vm_5'];
    for (const name of names) await first.boot(name);
    await first.do('vm_5', PAUSE);
    const pids = names.map((name) => first.pidOf(name));
    const before = await Promise.all(names.map((name) => first.get(name)));
    first.crash();
    const second = await world.live();
    const after = await Promise.all(names.map((name) => second.get(name)));
    assert.deepEqual(after, before);
    assert.deepEqual(
      after.map(({ process }) => process?.pid),
      pids,
    );
    assert.equal(second.capacity.used.machines, 5);
    assert.equal((await second.do('vm_5', { kind: 'resume' })).state, 'running');
    assert.equal((await second.do('vm_1', shutdown())).detail, 'guest');
    world.host.end('vm_2' as MachineId, { reason: 'guest-panic', message: 'panic' });
    await second.event('vm_2', isState('shutdown', 'guest-panic'));
    const { signal } = new AbortController();
    assert.ok(await second.machines.stats(await second.get('vm_3'), signal));
  });

  it('a command that was queued and not begun is performed once', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.create(VM);
    const frozen = freezeBefore(first, 'startIntent');
    begin(first, BOOT);
    await frozen;
    first.crash();
    const second = await world.live();
    await quiet(second);
    assert.equal((await second.get(VM)).state, 'running');
    assert.deepEqual(await kindsOf(second), ['machine.created', 'created → running']);
  });

  it('a boot that had launched and not been recorded keeps its process', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.create(VM);
    const frozen = freezeBefore(first, 'finishIntent');
    begin(first, BOOT);
    await frozen;
    const pid = first.pidOf(VM);
    assert.ok(pid !== undefined);
    first.crash();
    const second = await world.live();
    await quiet(second);
    const { state, process } = await second.get(VM);
    assert.deepEqual({ state, pid: process?.pid }, { state: 'running', pid });
    assert.deepEqual(await kindsOf(second), ['machine.created', 'created → running']);
  });

  it('a pause that was done and not recorded is found, and answered', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    const frozen = freezeBefore(first, 'finishIntent');
    begin(first, PAUSE);
    await frozen;
    const [intent] = await first.store.pendingIntentsOf(VM);
    first.crash();
    const second = await world.live();
    await quiet(second);
    assert.equal((await second.get(VM)).state, 'paused');
    assert.ok(intent !== undefined);
    const outcome = (await second.store.getIntent(intent.id))?.outcome;
    assert.deepEqual(outcome, { kind: 'done', state: 'paused', detail: 'already' });
  });

  it('a reboot that had stopped the guest boots it, once', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    const launching = hold(world.host, 'launch', VM);
    begin(first, reboot());
    await launching.reached;
    assert.equal(world.host.processes.size, 0);
    first.crash();
    world.host.behaviour.before = () => undefined;
    const second = await world.live();
    await quiet(second);
    assert.equal((await second.get(VM)).state, 'running');
    const changes = ['running → shutdown', 'shutdown → running'];
    assert.deepEqual((await kindsOf(second)).slice(2), changes);
  });

  it('a reboot that had booted again is not done twice', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    await first.clock.advance(1000);
    const frozen = freezeBefore(first, 'finishIntent');
    begin(first, reboot());
    await frozen;
    const pid = first.pidOf(VM);
    first.crash();
    const second = await world.live();
    await quiet(second);
    assert.equal(second.pidOf(VM), pid);
    assert.equal((await second.get(VM)).process?.pid, pid);
  });

  it('a shutdown that waited for the guest waits again, then kills', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    begin(first, shutdown(false, 5000));
    await first.clock.advance(1000);
    first.crash();
    const second = await world.live();
    await second.clock.advance(4999);
    assert.ok(world.host.processes.has(VM));
    await second.clock.advance(1);
    await second.event(VM, isState('shutdown', 'killed-after-timeout'));
  });

  for (const point of ['kill', 'discard'] as const) {
    it(`a deletion that had come to ${point} is finished, and answered`, async () => {
      await using world = await openWorld();
      const first = await world.live();
      await first.boot(VM);
      const held = hold(world.host, point, VM);
      begin(first, remove(true));
      await held.reached;
      const [intent] = await first.store.pendingIntentsOf(VM);
      first.crash();
      world.host.behaviour.before = () => undefined;
      const second = await world.live();
      await quiet(second);
      assert.equal(await second.store.get(VM), undefined);
      assert.equal(world.host.processes.size + world.host.directories.size, 0);
      assert.ok(intent !== undefined);
      const outcome = (await second.store.getIntent(intent.id))?.outcome;
      assert.equal(outcome?.kind, 'done');
      const deletions = (await kindsOf(second)).filter((kind) => kind === 'machine.deleted');
      assert.equal(deletions.length, 1);
    });
  }

  it('what is left of machines that do not exist is removed, and nothing else', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    await first.boot(OTHER);
    await first.create('vm_3');
    first.crash();
    await first.store.remove(OTHER, [], {
      intents: [],
      outcome: { kind: 'done', state: 'running', detail: 'deleted' },
      at: 1,
    });
    const second = await world.live();
    assert.deepEqual([...world.host.processes.keys()], [VM]);
    assert.deepEqual([...world.host.directories], [VM]);
    assert.deepEqual([...world.network.attached], [VM]);
    assert.equal((await second.get('vm_3')).state, 'created');
  });
});

describe('at start', () => {
  it('a machine that ended meanwhile is shut down for an unknown reason', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    await first.close();
    world.host.end(VM, { reason: 'guest-poweroff', message: 'nobody saw it' });
    const second = await world.live();
    const { state, stateReason, process } = await second.get(VM);
    assert.deepEqual([state, stateReason, process], ['shutdown', 'unknown', undefined]);
    const { event } = await second.event(VM, isState('shutdown', 'unknown'));
    assert.match(event.message, /while Drover was not running/);
    assert.equal(second.capacity.used.machines, 0);
    assert.equal(world.network.attached.size, 0);
  });

  it('a machine that was paused meanwhile is told as paused', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    await first.close();
    const process = world.host.processes.get(VM);
    assert.ok(process !== undefined);
    process.status = 'paused';
    // The host's rules went while nobody looked; they come back with the machine.
    world.network.attached.clear();
    const second = await world.live();
    assert.equal((await second.get(VM)).state, 'paused');
    await second.event(VM, isState('paused', 'adopted'));
    assert.deepEqual([...world.network.attached], [VM]);
  });

  it('a guest that does not tell its status keeps the last known one', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    await first.do(VM, PAUSE);
    await first.close();
    world.host.behaviour.before = (operation) => {
      if (operation === 'status') throw new DroverError('unavailable', 'no answer');
    };
    const second = await world.live();
    assert.equal((await second.get(VM)).state, 'paused');
    assert.equal((await second.do(VM, { kind: 'resume' })).detail, 'resumed');
  });

  it('a machine that cannot be found yet is not taken for dead, and looked for again', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    const pid = first.pidOf(VM);
    await first.close();
    world.host.behaviour.before = (operation) => {
      if (operation === 'adopt') throw new DroverError('unavailable', 'the socket is busy');
    };
    const second = await world.live();
    assert.equal((await second.get(VM)).state, 'running');
    assert.equal(second.capacity.used.machines, 1);
    await assert.rejects(second.do(VM, PAUSE), failure('unavailable', /the socket is busy/));
    world.host.behaviour.before = () => undefined;
    await second.clock.advance(2000);
    assert.equal(second.pidOf(VM), pid);
    world.host.end(VM, { reason: 'guest-panic', message: 'panic' });
    await second.event(VM, isState('shutdown', 'guest-panic'));
  });

  it('one machine that does not answer holds up the others for five seconds at most', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    await first.boot(OTHER);
    begin(first, PAUSE);
    first.crash();
    const stuck = hold(world.host, 'adopt', VM);
    const second = world.begin();
    const started = second.reconciler.start();
    await stuck.reached;
    await second.clock.advance(5000);
    await started;
    assert.equal((await second.do(OTHER, PAUSE)).state, 'paused');
    assert.equal((await second.get(VM)).state, 'running');
    stuck.release();
    assert.equal((await second.do(VM, PAUSE)).state, 'paused');
  });

  it('machines of other hosts are left alone', async () => {
    await using world = await openWorld();
    const life = await world.live();
    const hostId = 'host-2' as HostId;
    await life.store.insert(newMachine(VM, { hostId }));
    await life.store.addIntent({ ...newIntent('in_1', VM), hostId }, 16);
    await life.clock.advance(5000);
    assert.equal(world.host.processes.size, 0);
    assert.equal(await life.pendingOf(VM), 1);
  });

  it('fails when the machines cannot be read', async () => {
    await using world = await openWorld();
    const life = world.begin();
    life.beforeStore = () => {
      throw new DroverError('unavailable', 'the disk is gone');
    };
    await assert.rejects(life.reconciler.start(), failure('unavailable', /the disk is gone/));
  });
});

describe('a stop', () => {
  it('lets machines run on, and leaves no timer behind', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const pid = life.pidOf(VM);
    await life.close();
    assert.equal(life.pidOf(VM), pid);
    assert.equal(life.clock.pendingTimers, 0);
  });

  it('leaves a reboot that is half done to the next process', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    world.host.behaviour.before = async (operation, _id, signal) => {
      if (operation !== 'launch') return;
      const aborted = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => aborted.reject(signal.reason as Error));
      await aborted.promise;
    };
    begin(first, reboot());
    await first.clock.advance(10);
    assert.equal(world.host.processes.size, 0);
    await first.close();
    world.host.behaviour.before = () => undefined;
    const second = await world.live();
    await quiet(second);
    assert.equal((await second.get(VM)).state, 'running');
  });

  it('leaves a shutdown that waits for the guest to the next process', async () => {
    await using world = await openWorld();
    const first = await world.live();
    await first.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    begin(first, shutdown());
    await first.clock.advance(10);
    await first.close();
    assert.equal(await first.pendingOf(VM), 1);
    assert.ok(world.host.processes.has(VM));
  });

  it('waits only so long for a machine that is stuck', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const stuck = hold(world.host, 'kill', VM);
    begin(life, shutdown(true));
    await stuck.reached;
    const closing = life.reconciler[Symbol.asyncDispose]();
    await life.clock.advance(8000);
    await closing;
    stuck.release();
  });
});

describe('housekeeping', () => {
  it('prunes what has ended and what was told long ago', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const ended: IntentId[] = [];
    life.beforeStore = (method, [id]) => {
      if (method === 'finishIntent') ended.push(id as IntentId);
    };
    await life.do(VM, PAUSE);
    const [intent] = ended;
    assert.ok(intent !== undefined);
    assert.ok(await life.store.getIntent(intent));
    await life.clock.advance(2 * 3_600_000);
    assert.equal(await life.store.getIntent(intent), undefined);
    assert.deepEqual(await life.eventsOf(VM), []);
    assert.equal((await life.get(VM)).state, 'paused');
  });
});
