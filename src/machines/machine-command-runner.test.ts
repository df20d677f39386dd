import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BOOT,
  failure,
  hold,
  isState,
  openWorld,
  PAUSE,
  reboot,
  remove,
  RESUME,
  shutdown,
  type Life,
} from '#test/machine-fixture.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { MachineCommand } from './machine-command.ts';
import type { MachineState } from './machine.ts';

const VM = 'vm_1' as MachineId;

async function bringTo(life: Life, state: MachineState): Promise<void> {
  await life.create(VM);
  if (state === 'created') return;
  await life.do(VM, BOOT);
  if (state === 'paused') await life.do(VM, PAUSE);
  if (state === 'shutdown') await life.do(VM, shutdown(true));
}

type Expected = { readonly state: MachineState; readonly detail: string } | RegExp;

/** Each command in each state, through the whole of the domain. */
const TABLE: readonly [string, MachineCommand, Record<MachineState, Expected>][] = [
  [
    'boot',
    BOOT,
    {
      created: { state: 'running', detail: 'booted' },
      running: /^cannot boot VM vm_1: it is running already \(state running; allowed: pause, /,
      paused: /^cannot boot VM vm_1: it is paused \(state paused; allowed: resume, shutdown, /,
      shutdown: { state: 'running', detail: 'booted' },
    },
  ],
  [
    'pause',
    PAUSE,
    {
      created: /^cannot pause VM vm_1: it has not been booted .*allowed: boot, delete\)$/,
      running: { state: 'paused', detail: 'paused' },
      paused: { state: 'paused', detail: 'already' },
      shutdown: /^cannot pause VM vm_1: it is shut down/,
    },
  ],
  [
    'resume',
    RESUME,
    {
      created: /^cannot resume VM vm_1: it has not been booted/,
      running: { state: 'running', detail: 'already' },
      paused: { state: 'running', detail: 'resumed' },
      shutdown: /^cannot resume VM vm_1: it is shut down/,
    },
  ],
  [
    'shut down',
    shutdown(),
    {
      created: /^cannot shutdown VM vm_1: it has not been booted/,
      running: { state: 'shutdown', detail: 'guest' },
      paused: { state: 'shutdown', detail: 'guest' },
      shutdown: { state: 'shutdown', detail: 'already' },
    },
  ],
  [
    'force down',
    shutdown(true),
    {
      created: /^cannot shutdown VM vm_1: it has not been booted/,
      running: { state: 'shutdown', detail: 'killed' },
      paused: { state: 'shutdown', detail: 'killed' },
      shutdown: { state: 'shutdown', detail: 'already' },
    },
  ],
  [
    'reboot',
    reboot(),
    {
      created: /^cannot reboot VM vm_1: it has not been booted/,
      running: { state: 'running', detail: 'guest' },
      paused: /^cannot reboot VM vm_1: it is paused/,
      shutdown: /^cannot reboot VM vm_1: it is shut down/,
    },
  ],
  [
    'reset',
    reboot(true),
    {
      created: /^cannot reboot VM vm_1: it has not been booted/,
      running: { state: 'running', detail: 'reset' },
      paused: /^cannot reboot VM vm_1: it is paused/,
      shutdown: /^cannot reboot VM vm_1: it is shut down/,
    },
  ],
  [
    'delete',
    remove(),
    {
      created: { state: 'created', detail: 'deleted' },
      running: /^cannot delete VM vm_1: it is running; shut it down first, or use force=true/,
      paused: /^cannot delete VM vm_1: it is paused; shut it down first, or use force=true/,
      shutdown: { state: 'shutdown', detail: 'deleted' },
    },
  ],
  [
    'delete by force',
    remove(true),
    {
      created: { state: 'created', detail: 'deleted' },
      running: { state: 'shutdown', detail: 'deleted' },
      paused: { state: 'shutdown', detail: 'deleted' },
      shutdown: { state: 'shutdown', detail: 'deleted' },
    },
  ],
];

describe('a command', () => {
  for (const [what, command, cells] of TABLE) {
    for (const [state, expected] of Object.entries(cells) as [MachineState, Expected][]) {
      const isRefused = expected instanceof RegExp;
      it(`${isRefused ? 'refuses to' : 'may'} ${what} a machine that is ${state}`, async () => {
        await using world = await openWorld();
        const life = await world.live();
        await bringTo(life, state);
        const asked = life.do(VM, command);
        if (isRefused) {
          await assert.rejects(asked, failure('failed_precondition', expected));
          assert.equal((await life.get(VM)).state, state);
          return;
        }
        const { state: reached, detail } = await asked;
        assert.deepEqual({ state: reached, detail }, expected);
        if (command.kind === 'delete') assert.equal(await life.store.get(VM), undefined);
        else assert.equal((await life.get(VM)).state, expected.state);
        assert.equal(world.host.processes.has(VM), reached === 'running' || reached === 'paused');
      });
    }
  }
});

describe('a graceful shutdown', () => {
  it('leaves nothing attached and gives the capacity back', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    assert.ok(world.network.attached.has(VM));
    assert.equal(life.capacity.used.machines, 1);
    await life.do(VM, shutdown());
    assert.equal(world.network.attached.size, 0);
    assert.equal(life.capacity.used.machines, 0);
    const { process, bootedAt, stateReason, stateMessage } = await life.get(VM);
    assert.deepEqual({ process, bootedAt }, { process: undefined, bootedAt: undefined });
    assert.equal(stateReason, 'requested');
    assert.equal(stateMessage, 'the guest powered off when asked');
  });

  it('kills a guest that lets its time pass, not before, and says so', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const asked = life.do(VM, shutdown(false, 7000));
    await life.clock.advance(6999);
    assert.ok(world.host.processes.has(VM));
    await life.clock.advance(1);
    assert.deepEqual(await asked, {
      kind: 'done',
      state: 'shutdown',
      detail: 'killed-after-timeout',
    });
    const { event } = await life.event(VM, isState('shutdown'));
    assert.equal(event.reason, 'killed-after-timeout');
    assert.match(event.message, /did not power off in time/);
  });

  it('asks again a guest that did not hear, as one that is still booting', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const asked = life.do(VM, shutdown());
    await life.clock.advance(4999);
    world.host.behaviour.obeysPowerButton = true;
    assert.ok(world.host.processes.has(VM));
    await life.clock.advance(1);
    assert.equal((await asked).detail, 'guest');
  });

  it('tells how the guest really ended', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const asked = life.do(VM, shutdown());
    await life.clock.advance(100);
    world.host.end(VM, { reason: 'guest-panic', message: 'the kernel of the guest panicked' });
    assert.equal((await asked).detail, 'guest-panic');
    assert.equal((await life.get(VM)).stateReason, 'guest-panic');
  });

  it('gives a guest that cannot be asked its time all the same', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.before = (operation) => {
      if (operation === 'ask') throw new Error('the socket is gone');
    };
    const asked = life.do(VM, shutdown(false, 5000));
    await life.clock.advance(4000);
    assert.ok(world.host.processes.has(VM));
    world.host.end(VM, { reason: 'guest-poweroff', message: 'the guest powered off' });
    assert.equal((await asked).detail, 'guest');
  });

  for (const [what, force] of [
    ['shutdown', shutdown(true)],
    ['delete', remove(true)],
  ] as const) {
    it(`is cut short by a forced ${what}, and both callers are told`, async () => {
      await using world = await openWorld();
      const life = await world.live();
      await life.boot(VM);
      world.host.behaviour.obeysPowerButton = false;
      const asked = life.do(VM, shutdown());
      await life.clock.advance(100);
      const forced = life.do(VM, force);
      assert.equal((await asked).detail, 'killed-by-later-command');
      assert.equal((await forced).detail, what === 'delete' ? 'deleted' : 'already');
      await life.event(VM, isState('shutdown', 'killed-by-later-command'));
    });
  }

  it('is not even begun when a forced one waits behind it', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    let isAsked = false;
    const pausing = hold(world.host, 'pause', VM);
    const paused = life.do(VM, PAUSE);
    await pausing.reached;
    const graceful = life.do(VM, shutdown());
    const forced = life.do(VM, shutdown(true));
    const { before } = world.host.behaviour;
    world.host.behaviour.before = (operation, id, signal) => {
      isAsked ||= operation === 'ask' || operation === 'resume';
      return before(operation, id, signal);
    };
    await life.clock.advance(10);
    pausing.release();
    assert.equal((await paused).state, 'paused');
    assert.equal((await graceful).detail, 'killed-by-later-command');
    assert.equal((await forced).detail, 'already');
    assert.equal(isAsked, false);
  });

  it('waits its time when the forced one behind it was withdrawn', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const pausing = hold(world.host, 'pause', VM);
    const paused = life.do(VM, PAUSE);
    await pausing.reached;
    const graceful = life.do(VM, shutdown());
    const leaving = new AbortController();
    const forced = life.do(VM, shutdown(true), { signal: leaving.signal });
    await life.clock.advance(10);
    leaving.abort(new Error('gone'));
    await assert.rejects(forced, /gone/);
    pausing.release();
    await paused;
    await life.clock.advance(29_000);
    assert.ok(world.host.processes.has(VM));
    await life.clock.advance(1000);
    assert.equal((await graceful).detail, 'killed-after-timeout');
  });

  it('of a paused guest that is given up leaves it running, and says so', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await bringTo(life, 'paused');
    world.host.behaviour.obeysPowerButton = false;
    const leaving = new AbortController();
    const asked = life.do(VM, shutdown(), { signal: leaving.signal });
    await life.clock.advance(100);
    leaving.abort(new Error('gone'));
    await assert.rejects(asked, /gone/);
    const { event } = await life.event(VM, isState('running', 'observed'));
    assert.equal(event.message, 'the VM is running after a shutdown that failed');
    assert.equal((await life.do(VM, PAUSE)).detail, 'paused');
  });
});

describe('a reboot', () => {
  it('by asking ends the run and begins another', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const [pid, { bootedAt }] = [life.pidOf(VM), await life.get(VM)];
    await life.clock.advance(5000);
    assert.equal((await life.do(VM, reboot())).detail, 'guest');
    const machine = await life.get(VM);
    assert.notEqual(life.pidOf(VM), pid);
    assert.equal(machine.process?.pid, life.pidOf(VM));
    assert.equal(machine.bootedAt, (bootedAt ?? 0) + 5000);
    await life.event(VM, ({ kind }) => kind === 'machine.rebooted');
    assert.ok(world.network.attached.has(VM));
  });

  it('by force keeps the process', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const pid = life.pidOf(VM);
    await life.do(VM, reboot(true));
    assert.equal(life.pidOf(VM), pid);
    await life.event(VM, ({ kind }) => kind === 'machine.rebooted');
  });

  it('kills a guest that lets its time pass, then boots it', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const asked = life.do(VM, reboot(false, 3000));
    await life.clock.advance(3000);
    assert.deepEqual(await asked, {
      kind: 'done',
      state: 'running',
      detail: 'killed-after-timeout',
    });
    assert.equal((await life.get(VM)).state, 'running');
  });

  it('that cannot start the guest again fails, and leaves the machine shut down', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.network.beforeAttach = () => {
      throw new Error('no more tap devices');
    };
    const message = /^stopped for a reboot, then not started: /;
    await assert.rejects(life.do(VM, reboot()), failure('internal', message));
    const { state, stateReason } = await life.get(VM);
    assert.deepEqual({ state, stateReason }, { state: 'shutdown', stateReason: 'not-restarted' });
    assert.equal(life.capacity.used.machines, 0);
    world.network.beforeAttach = () => undefined;
    assert.equal((await life.do(VM, BOOT)).state, 'running');
  });

  it('that a forced shutdown overtakes is refused, and the machine stays down', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const asked = life.do(VM, reboot());
    await life.clock.advance(100);
    const forced = life.do(VM, shutdown(true));
    await assert.rejects(asked, failure('aborted', /a later command forced it down/, 'SUPERSEDED'));
    assert.equal((await forced).state, 'shutdown');
    assert.equal(world.host.processes.has(VM), false);
  });

  it('whose caller leaves while it boots again goes on to its end', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const launching = hold(world.host, 'launch', VM);
    const leaving = new AbortController();
    const asked = life.do(VM, reboot(), { signal: leaving.signal });
    await launching.reached;
    leaving.abort(new Error('gone'));
    await assert.rejects(asked, /gone/);
    await life.clock.advance(2000);
    launching.release();
    await life.event(VM, ({ kind }) => kind === 'machine.rebooted');
    assert.equal((await life.get(VM)).state, 'running');
  });
});
