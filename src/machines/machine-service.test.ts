import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ADA, BOB, specOf, UNLIMITED } from '#test/contract/store-fixtures.ts';
import {
  BOOT,
  customer,
  failure,
  hold,
  isState,
  openWorld,
  OPERATOR,
  PAUSE,
  reboot,
  remove,
  RESUME,
  shutdown,
} from '#test/machine-fixture.ts';
import type { Principal } from '#access/principal.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { MachineService } from './machine-service.ts';
import type { MachinePage } from './machine-store.ts';

const VM = 'vm_1' as MachineId;
const OTHER = 'vm_2' as MachineId;
const NOBODY = 'vm_nobody' as MachineId;
const ALL = { states: [], limit: 10, position: { kind: 'start' } } as const;
const READER: Principal = { ...customer(ADA), scopes: ['read-only'] };

type Call = (machines: MachineService, id: MachineId) => Promise<unknown>;

const idsOf = ({ machines }: MachinePage) => machines.map(({ id }) => id).toSorted();

async function thrownBy(promise: Promise<unknown>): Promise<DroverError> {
  try {
    await promise;
  } catch (thrown) {
    assert.ok(thrown instanceof DroverError, String(thrown));
    return thrown;
  }
  return assert.fail('it was answered');
}

describe('the whole life of a machine', () => {
  it('is told step by step', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    for (const command of [BOOT, PAUSE, RESUME, reboot(), shutdown(), BOOT, remove(true)]) {
      await life.do(VM, command, { by: customer(ADA) });
    }
    const told = (await life.eventsOf(VM)).map((event) => `${event.kind} ${event.state}`);
    assert.deepEqual(told, [
      'machine.created created',
      'machine.state-changed running',
      'machine.state-changed paused',
      'machine.state-changed running',
      'machine.rebooted running',
      'machine.state-changed shutdown',
      'machine.state-changed running',
      'machine.state-changed shutdown',
      'machine.deleted shutdown',
    ]);
    assert.deepEqual(await life.store.countByState(), {
      ...{ created: 0, running: 0, paused: 0, shutdown: 0 },
    });
  });
});

describe("another customer's machine", () => {
  const { signal } = new AbortController();
  const commands = [
    BOOT,
    PAUSE,
    RESUME,
    shutdown(),
    shutdown(true),
    reboot(),
    remove(),
    remove(true),
  ];
  const calls: readonly (readonly [string, Call])[] = [
    ['get', (machines, id) => machines.get(customer(BOB), id)],
    ['console', (machines, id) => machines.console(customer(BOB), id)],
    ...commands.map((command): readonly [string, Call] => [
      JSON.stringify(command),
      (machines, id) => machines.command(customer(BOB), id, { command, signal }),
    ]),
  ];

  for (const [what, call] of calls) {
    it(`answers ${what} as one that does not exist`, async () => {
      await using world = await openWorld();
      const life = await world.live();
      await life.boot(VM);
      const ofOther = await thrownBy(call(life.machines, VM));
      const ofNone = await thrownBy(call(life.machines, NOBODY));
      assert.equal(ofOther.kind, 'not_found');
      const plain = ({ kind, message, reason, metadata }: DroverError, id: string) =>
        JSON.stringify({ kind, message, reason, metadata }).replaceAll(id, 'ID');
      assert.equal(plain(ofOther, VM), plain(ofNone, NOBODY));
      assert.equal((await life.get(VM)).state, 'running');
      assert.equal(await life.pendingOf(VM), 0);
    });
  }

  it('is not in the list, nor in its total', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    await life.create(OTHER, specOf(), BOB);
    const list = (by: Principal) => life.machines.list(by, ALL);
    assert.deepEqual(idsOf(await list(customer(ADA))), [VM]);
    assert.equal((await list(customer(BOB))).total, 1);
    assert.deepEqual(idsOf(await list(OPERATOR)), [VM, OTHER]);
  });
});

describe('a token that may only read', () => {
  it('reads, and changes nothing', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    assert.equal((await life.machines.get(READER, VM)).id, VM);
    assert.deepEqual(idsOf(await life.machines.list(READER, ALL)), [VM]);
    const refused = failure('permission_denied', /may only read/, 'READ_ONLY_TOKEN');
    await assert.rejects(life.do(VM, BOOT, { by: READER }), refused);
    const command = { id: OTHER, customerId: ADA, spec: specOf(), nicFields: [] };
    await assert.rejects(life.machines.create(READER, command), refused);
  });
});

describe('creating', () => {
  it('for somebody else is refused, and by an operator is not', async () => {
    await using world = await openWorld();
    const life = await world.live();
    const command = { id: VM, customerId: BOB, spec: specOf(), nicFields: [] };
    await assert.rejects(
      life.machines.create(customer(ADA), command),
      failure('permission_denied', /does not match/),
    );
    assert.equal((await life.machines.create(OPERATOR, command)).customerId, BOB);
  });

  it('an id that is taken is refused, whoever has it', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    await assert.rejects(life.create(VM, specOf(), BOB), failure('already_exists', /vm_1/));
  });

  it('beyond the quota is refused with the numbers, until something is deleted', async () => {
    const quota = { maxMachines: 2, maxVcpus: 8, maxMemoryMib: 4096 };
    await using world = await openWorld({ quota });
    const life = await world.live();
    await life.create(VM, specOf(6, 512));
    await assert.rejects(
      life.create(OTHER, specOf(3, 512)),
      failure('resource_exhausted', /8 vCPUs is too small: 6 in use, 3 more/, 'QUOTA_EXCEEDED'),
    );
    await assert.rejects(
      life.create(OTHER, specOf(1, 4096)),
      failure('resource_exhausted', /4096 MiB of memory is too small: 512 in use, 4096 more/),
    );
    await life.create(OTHER, specOf(1, 512));
    const refused = failure('resource_exhausted', /2 machines is used up: 2 in use, 1 more/);
    await assert.rejects(life.create('vm_3'), refused);
    await life.create('vm_3', specOf(), BOB);
    await life.do(VM, remove());
    await life.create('vm_4');
  });

  it('follows the limits of the customer when it has some of its own', async () => {
    await using world = await openWorld({ quota: { ...UNLIMITED, maxMachines: 1 } });
    const life = await world.live();
    await life.machines.setQuota(ADA, { ...UNLIMITED, maxMachines: 2 });
    await life.create(VM);
    await life.create(OTHER, specOf(2, 512));
    assert.deepEqual(await life.machines.quota(ADA), {
      limits: { ...UNLIMITED, maxMachines: 2 },
      use: { machines: 2, vcpus: 3, memoryMib: 768 },
    });
    assert.equal((await life.machines.quota(BOB)).limits.maxMachines, 1);
  });

  it('what the host could never run is refused, and booting what it cannot run now', async () => {
    await using world = await openWorld({ vcpus: 4, memoryMib: 1024 });
    const life = await world.live();
    await assert.rejects(
      life.create(VM, specOf(5)),
      failure('resource_exhausted', /host capacity of 4 vCPUs is too small: 0 in use, 5 more/),
    );
    await life.boot(VM, specOf(3));
    await life.create(OTHER, specOf(2));
    await assert.rejects(
      life.do(OTHER, BOOT),
      failure('resource_exhausted', /4 vCPUs .* 3 in use, 2 more/, 'HOST_CAPACITY_EXCEEDED'),
    );
    assert.equal((await life.get(OTHER)).state, 'created');
    await life.do(VM, shutdown());
    assert.equal((await life.do(OTHER, BOOT)).state, 'running');
  });
});

describe('a caller that leaves', () => {
  const gone = new DroverError('cancelled', 'the client went away');

  it('takes back a command that has not begun', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const pausing = hold(world.host, 'pause', VM);
    const paused = life.do(VM, PAUSE);
    await pausing.reached;
    const leaving = new AbortController();
    const asked = life.do(VM, shutdown(true), { signal: leaving.signal });
    await life.clock.advance(10);
    leaving.abort(gone);
    await assert.rejects(asked, failure('cancelled', /went away/));
    pausing.release();
    await paused;
    await life.clock.advance(5000);
    assert.equal((await life.get(VM)).state, 'paused');
  });

  it('ends the wait for the guest, and nothing else', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    world.host.behaviour.obeysPowerButton = false;
    const leaving = new AbortController();
    const asked = life.do(VM, shutdown(), { signal: leaving.signal });
    await life.clock.advance(10);
    leaving.abort(gone);
    await assert.rejects(asked, failure('cancelled', /went away/));
    const { event } = await life.event(VM, ({ kind }) => kind === 'machine.command-failed');
    assert.equal(event.message, 'the caller gave up waiting for the guest');
    await life.clock.advance(60_000);
    assert.equal((await life.get(VM)).state, 'running');
    assert.equal((await life.do(VM, PAUSE)).state, 'paused');
  });

  it('does not stop a boot that has begun', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const launching = hold(world.host, 'launch', VM);
    const leaving = new AbortController();
    const asked = life.do(VM, BOOT, { signal: leaving.signal });
    await launching.reached;
    leaving.abort(gone);
    await assert.rejects(asked, failure('cancelled', /went away/));
    await life.clock.advance(5000);
    launching.release();
    await life.event(VM, isState('running'));
  });

  it('while the command is being stored takes it back too', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const leaving = new AbortController();
    life.beforeStore = (method) => {
      if (method === 'addIntent') leaving.abort(gone);
    };
    await assert.rejects(
      life.do(VM, BOOT, { signal: leaving.signal }),
      failure('cancelled', /away/),
    );
    await life.clock.advance(5000);
    assert.equal(world.host.processes.size, 0);
    assert.equal(await life.pendingOf(VM), 0);
  });

  it('before it asked changes nothing', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create(VM);
    const asked = life.do(VM, BOOT, { signal: AbortSignal.abort(gone) });
    await assert.rejects(asked, failure('cancelled', /went away/));
    assert.equal(await life.pendingOf(VM), 0);
  });

  it('leaves no timer behind, as one that stays does not', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const timers = life.clock.pendingTimers;
    world.host.behaviour.obeysPowerButton = false;
    const leaving = new AbortController();
    const asked = life.do(VM, shutdown(), { signal: leaving.signal });
    await life.clock.advance(10);
    assert.ok(life.clock.pendingTimers > timers);
    leaving.abort(gone);
    await assert.rejects(asked, failure('cancelled', /went away/));
    await life.clock.advance(1000);
    await life.do(VM, PAUSE);
    await life.clock.advance(0);
    assert.equal(life.clock.pendingTimers, timers);
  });
});

describe('a command whose owner is another process', () => {
  it('is answered from the store', async () => {
    await using world = await openWorld();
    const taker = world.begin();
    await taker.create(VM);
    const owner = await world.live();
    const asked = taker.do(VM, BOOT);
    await taker.clock.advance(10);
    assert.equal(world.host.processes.size, 0);
    await owner.clock.advance(1000);
    await taker.clock.advance(1000);
    assert.equal((await asked).state, 'running');
  });
});

describe('the console', () => {
  it('is that of the machine', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot(VM);
    const log = await life.machines.console(customer(ADA), VM);
    const { data, nextOffset } = await log.read(0, 1000);
    assert.equal(new TextDecoder().decode(data), 'booted vm_1\n');
    const changed = log.changed(new AbortController().signal);
    world.host.print(VM, 'login: ');
    await changed;
    assert.equal(new TextDecoder().decode((await log.read(nextOffset, 1000)).data), 'login: ');
  });
});
