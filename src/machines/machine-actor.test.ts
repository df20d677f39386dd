import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BOOT,
  failure,
  hold,
  isState,
  openWorld,
  OPERATOR,
  PAUSE,
  reboot,
  remove,
  shutdown,
} from '#test/machine-fixture.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { GuestExit } from './hypervisor.ts';

const VM = 'vm_1' as MachineId;
const OTHER = 'vm_2' as MachineId;

describe('a guest that ends by itself', () => {
  const endings: readonly GuestExit[] = [
    { reason: 'guest-poweroff', message: 'the guest powered off' },
    { reason: 'guest-panic', message: 'the kernel of the guest panicked' },
    { reason: 'process-died', message: 'its process was killed from outside (SIGKILL)' },
  ];
  for (const exit of endings) {
    it(`by ${exit.reason} is shut down with that reason, without any time passing`, async () => {
      await using world = await openWorld();
      const life = await world.live();
      await life.boot(VM);
      world.host.end(VM, exit);
      const { event, at } = await life.event(VM, isState('shutdown'));
      assert.deepEqual({ reason: event.reason, message: event.message }, exit);
      assert.equal(at, life.clock.nowMs());
      const { state, stateReason, stateMessage, process } = await life.get(VM);
      assert.deepEqual({ state, process }, { state: 'shutdown', process: undefined });
      assert.deepEqual({ reason: stateReason, message: stateMessage }, exit);
      await life.clock.advance(0);
      assert.equal(world.network.attached.has(VM), false);
      assert.equal(life.capacity.used.machines, 0);
      assert.equal((await life.do(VM, BOOT)).state, 'running');
    });
  }

  it('while it is paused is shut down too', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    await life.do(VM, PAUSE);
    world.host.end(VM, { reason: 'process-died', message: 'killed' });
    await life.event(VM, isState('shutdown', 'process-died'));
  });

  it('in the middle of a command fails the command, and is shut down', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const pausing = hold(world.host, 'pause', VM);
    const asked = life.do(VM, PAUSE);
    await pausing.reached;
    world.host.end(VM, { reason: 'guest-panic', message: 'panic' });
    pausing.release();
    await assert.rejects(asked, failure('unavailable', /process of VM vm_1 is gone/));
    await life.event(VM, isState('shutdown', 'guest-panic'));
  });

  it('right after its launch is shut down, and not for ever running', async () => {
    await using world = await openWorld();
    const life = await world.live();
    life.beforeStore = (method) => {
      if (method !== 'finishIntent') return;
      world.host.end(VM, { reason: 'guest-panic', message: 'no root disk' });
    };
    await life.boot(VM);
    await life.event(VM, isState('shutdown', 'guest-panic'));
  });

  it('and restarts within its process is told as a reboot', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.reset(VM);
    const { event } = await life.event(VM, ({ kind }) => kind === 'machine.rebooted');
    assert.equal(event.reason, 'guest-reset');
    assert.equal((await life.get(VM)).state, 'running');
  });
});

describe('a launch that fails', () => {
  const noRoom = new DroverError('unavailable', 'QEMU did not start: no KVM', { reason: 'NO_KVM' });

  it('leaves the machine as it was, and nothing on the host', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    world.host.behaviour.before = (operation) => {
      if (operation === 'launch') throw noRoom;
    };
    await assert.rejects(life.do(VM, BOOT), failure('unavailable', /no KVM/, 'NO_KVM'));
    assert.equal((await life.get(VM)).state, 'created');
    assert.equal(world.network.attached.size, 0);
    assert.equal(life.capacity.used.machines, 0);
    const { event } = await life.event(VM, ({ kind }) => kind === 'machine.command-failed');
    assert.deepEqual([event.reason, event.state], ['NO_KVM', 'created']);
    world.host.behaviour.before = () => undefined;
    await life.do(VM, BOOT);
    await life.do(VM, shutdown(true));
    world.host.behaviour.before = (operation) => {
      if (operation === 'launch') throw noRoom;
    };
    await assert.rejects(life.do(VM, BOOT), failure('unavailable', /no KVM/));
    assert.equal((await life.get(VM)).state, 'shutdown');
  });

  it('half-way leaves no process that nobody knows of', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    // The second one fails after the process of the first was started by somebody.
    world.host.behaviour.before = (operation, id) => {
      if (operation !== 'launch') return;
      world.host.processes.set(id, {
        record: { pid: 7, startTicks: 7, socketPath: '', argv: [] },
        status: 'running',
        exited: Promise.withResolvers<GuestExit>(),
        resets: new Set(),
      });
      throw noRoom;
    };
    await assert.rejects(life.do(VM, BOOT), failure('unavailable', /no KVM/));
    assert.equal(world.host.processes.size, 0);
  });

  it('by not answering is given up in time, and what comes of it late is ended', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const launching = hold(world.host, 'launch', VM);
    const asked = life.do(VM, BOOT);
    await launching.reached;
    const refused = failure('deadline_exceeded', /^starting VM vm_1 took longer than 60000 ms/);
    const rejected = assert.rejects(asked, refused);
    await life.clock.advance(60_000);
    await rejected;
    assert.equal(life.capacity.used.machines, 0);
    launching.release();
    await life.clock.advance(0);
    assert.equal(world.host.processes.size, 0);
    assert.equal((await life.get(VM)).state, 'created');
  });
});

describe('a machine that is stuck', () => {
  for (const [operation, command, error] of [
    ['pause', PAUSE, /^pausing the VM took longer than 10000 ms/],
    ['reset', reboot(true), /^resetting the VM took longer than 10000 ms/],
    ['kill', shutdown(true), /^ending the process of the VM took longer than 15000 ms/],
  ] as const) {
    it(`in ${operation} is let go of by its deadline`, async () => {
      await using world = await openWorld();
      const life = await world.live();
      await life.boot(VM);
      const stuck = hold(world.host, operation, VM);
      const asked = life.do(VM, command);
      await stuck.reached;
      const rejected = assert.rejects(asked, failure('deadline_exceeded', error));
      await life.clock.advance(15_000);
      await rejected;
      assert.equal((await life.get(VM)).state, 'running');
      stuck.release();
    });
  }

  it('delays no command of another, and nobody who looks', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    await life.boot(OTHER);
    const stuck = hold(world.host, 'pause', VM);
    const asked = life.do(VM, PAUSE);
    await stuck.reached;
    const now = life.clock.nowMs();
    assert.equal((await life.do(OTHER, PAUSE)).state, 'paused');
    assert.equal((await life.do(OTHER, shutdown(true))).state, 'shutdown');
    assert.equal((await life.get(VM)).state, 'running');
    const query = { states: [], limit: 10, position: { kind: 'start' } } as const;
    assert.equal((await life.machines.list(OPERATOR, query)).machines.length, 2);
    const { signal } = new AbortController();
    assert.ok(await life.machines.stats(await life.get(VM), signal));
    assert.equal(life.clock.nowMs(), now);
    stuck.release();
    await asked;
  });

  it('in measuring is told without measures, in time', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const stuck = hold(world.host, 'stats', VM);
    const measured = life.machines.stats(await life.get(VM), new AbortController().signal);
    await stuck.reached;
    await life.clock.advance(2000);
    assert.equal(await measured, undefined);
    stuck.release();
  });

  it('after a pause that came late is told as it is', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const stuck = hold(world.host, 'pause', VM);
    const asked = life.do(VM, PAUSE);
    await stuck.reached;
    const rejected = assert.rejects(asked, failure('deadline_exceeded', /pausing/));
    const looking = hold(world.host, 'status', VM);
    await life.clock.advance(10_000);
    await looking.reached;
    stuck.release();
    await life.clock.advance(0);
    looking.release();
    await rejected;
    assert.equal((await life.get(VM)).state, 'paused');
  });
});

describe('commands that race', () => {
  it('boot twenty machines at once', async () => {
    await using world = await openWorld();
    const life = await world.live();
    const names = Array.from({ length: 20 }, (_, index) => `vm_${index}`);
    await Promise.all(names.map((name) => life.create(name)));
    const held = names.map((name) => hold(world.host, 'launch', name));
    const booted = Promise.all(names.map((name) => life.do(name, BOOT)));
    await Promise.all(held.map(({ reached }) => reached));
    for (const one of held) one.release();
    assert.ok((await booted).every(({ state }) => state === 'running'));
    assert.equal(new Set(names.map((name) => life.pidOf(name))).size, 20);
    assert.equal(life.capacity.used.machines, 20);
  });

  it('launch a machine that is booted ten times at once exactly once', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    let launches = 0;
    world.host.behaviour.before = (operation) => {
      if (operation === 'launch') launches += 1;
    };
    const asked = Array.from({ length: 10 }, () => life.do(VM, BOOT));
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(launches, 1);
    assert.equal(refused.length, 9);
    for (const { reason } of refused) {
      failure('failed_precondition', /it is running already/, 'VM_STATE_CONFLICT')(reason);
    }
    const kinds = (await life.eventsOf(VM)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['machine.created', 'machine.state-changed']);
  });

  it('boot and delete one machine in the order they came', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const launching = hold(world.host, 'launch', VM);
    const booted = life.do(VM, BOOT);
    await launching.reached;
    const refused = assert.rejects(
      life.do(VM, remove()),
      failure('failed_precondition', /cannot delete VM vm_1: it is running/),
    );
    launching.release();
    assert.equal((await booted).state, 'running');
    await refused;
  });

  it('delete and boot one machine in the order they came', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const discarding = hold(world.host, 'discard', VM);
    const removed = life.do(VM, remove());
    await discarding.reached;
    await assert.rejects(
      life.do(VM, BOOT),
      failure('failed_precondition', /VM vm_1 is being deleted/, 'VM_BEING_DELETED'),
    );
    discarding.release();
    await removed;
    await assert.rejects(life.do(VM, BOOT), failure('not_found', /vm_1/));
    assert.equal(world.host.directories.size, 0);
  });

  it('tell the one that waited behind a deletion that the machine is gone', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const pausing = hold(world.host, 'pause', VM);
    const paused = life.do(VM, PAUSE);
    await pausing.reached;
    const removed = life.do(VM, remove(true));
    const late = life.do(VM, reboot(true));
    const again = life.do(VM, remove(true));
    const told = assert.rejects(late, failure('not_found', /it has been deleted/));
    await life.clock.advance(10);
    const now = life.clock.nowMs();
    pausing.release();
    await Promise.all([paused, removed, told]);
    assert.equal((await again).detail, 'deleted');
    assert.equal(life.clock.nowMs(), now);
  });

  it('pause and shut down one machine', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const [paused, stopped] = await Promise.all([life.do(VM, PAUSE), life.do(VM, shutdown())]);
    assert.equal(paused.state, 'paused');
    assert.deepEqual([stopped.state, stopped.detail], ['shutdown', 'guest']);
    assert.equal(await life.pendingOf(VM), 0);
  });

  it('are taken up once each, however long they wait', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const stuck = hold(world.host, 'pause', VM);
    const paused = life.do(VM, PAUSE);
    await stuck.reached;
    const resumed = life.do(VM, { kind: 'resume' });
    let starts = 0;
    life.beforeStore = (method) => {
      if (method === 'startIntent') starts += 1;
    };
    await life.clock.advance(5000);
    stuck.release();
    await Promise.all([paused, resumed]);
    await life.clock.advance(0);
    assert.equal(starts, 1);
  });

  it('are not held up by a guest that is stuck when one of them is forced', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const pausing = hold(world.host, 'pause', VM);
    const paused = life.do(VM, PAUSE);
    const refused = assert.rejects(paused, failure('aborted', /later command/, 'SUPERSEDED'));
    await pausing.reached;
    const forced = life.do(VM, shutdown(true));
    await life.clock.advance(1000);
    await refused;
    assert.equal((await forced).detail, 'killed');
    assert.equal((await life.get(VM)).state, 'shutdown');
    pausing.release();
  });

  it('are refused beyond what may wait on one machine, saying so', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const stuck = hold(world.host, 'pause', VM);
    const asked = Array.from({ length: 17 }, () => life.do(VM, PAUSE));
    const outcomes = Promise.allSettled(asked);
    await stuck.reached;
    stuck.release();
    const refused = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    assert.equal(refused.length, 1);
    failure('resource_exhausted', /16 commands waiting already/)(refused[0]?.reason);
  });
});
