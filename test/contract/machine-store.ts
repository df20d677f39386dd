/** What every MachineStore does with single machines, quotas and counters. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EventLog } from '#events/event-log.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { FakeClock } from '#kernel/fake-clock.ts';
import type { ProcessRecord } from '#machines/hypervisor.ts';
import type { MachineStore } from '#machines/machine-store.ts';
import { MACHINE_STATES } from '#machines/machine.ts';
import {
  ADA,
  BOB,
  changeEvent,
  DONE,
  eventOf,
  HOST,
  leaseRequest,
  newMachine,
  specOf,
  UNLIMITED,
} from '#test/contract/store-fixtures.ts';

export interface OpenMachineStore extends AsyncDisposable {
  readonly machines: MachineStore;
  readonly events: EventLog;
  readonly clock: FakeClock;
}

type Open = () => Promise<OpenMachineStore>;

const PROCESS: ProcessRecord = {
  pid: 4711,
  startTicks: 123_456_789,
  socketPath: '/run/drover/one/qmp.sock',
  argv: ['qemu-system-x86_64', '-name', 'a "quoted" name'],
};

/** What comes back from a store that writes JSON: keys without a value are not there. */
function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export function itKeepsMachines(open: Open): void {
  it('answers a machine as it was inserted', async () => {
    await using stores = await open();
    const wanted = newMachine('one');
    const inserted = await stores.machines.insert(wanted);
    assert.deepEqual(inserted, {
      id: 'one',
      customerId: ADA,
      hostId: HOST,
      spec: withoutUndefined(wanted.spec),
      state: 'created',
      stateReason: 'requested',
      stateMessage: 'as asked',
      stateChangedAt: 1000,
      isDeleting: false,
      process: undefined,
      bootedAt: undefined,
      leases: [],
      createdAt: 1000,
      updatedAt: 1000,
    });
    assert.deepEqual(await stores.machines.get(wanted.id), inserted);
    assert.equal(JSON.stringify(inserted.spec.given), JSON.stringify(wanted.spec.given));
    assert.equal(await stores.machines.get('two' as MachineId), undefined);
  });

  it('refuses an id that is taken, whoever has it, and changes nothing', async () => {
    await using stores = await open();
    const first = await stores.machines.insert(newMachine('one'));
    const refusal = { kind: 'already_exists', reason: 'VM_ALREADY_EXISTS', message: /one/ };
    const again = newMachine('one', { customerId: BOB, leases: [leaseRequest()] });
    await assert.rejects(stores.machines.insert(again), refusal);
    assert.deepEqual(await stores.machines.get(first.id), first);
    assert.equal((await stores.machines.usage(BOB)).machines, 0);
    assert.equal((await stores.events.read({ afterId: 0, limit: 10 })).length, 1);
  });

  it('lets one of many creates with the same id win', async () => {
    await using stores = await open();
    const tries = Array.from({ length: 8 }, (_, at) =>
      stores.machines.insert(newMachine('same', { customerId: at % 2 === 0 ? ADA : BOB })),
    );
    const settled = await Promise.allSettled(tries);
    const losers = settled.filter((outcome) => outcome.status === 'rejected');
    assert.equal(losers.length, 7);
    for (const { reason } of losers) {
      assert.equal(reason instanceof DroverError && reason.reason, 'VM_ALREADY_EXISTS');
    }
    assert.equal((await stores.machines.list({ ...ANY, limit: 10 })).total, 1);
  });

  it('changes the columns an update names, and leaves the others', async () => {
    await using stores = await open();
    const before = await stores.machines.insert(newMachine('one'));
    const started = await stores.machines.update(
      before.id,
      { state: 'running', process: PROCESS, bootedAt: 2000, updatedAt: 2000 },
      [],
    );
    const running = { state: 'running', process: PROCESS, bootedAt: 2000, updatedAt: 2000 };
    assert.deepEqual(started, { ...before, ...running });
    const stopped = await stores.machines.update(
      before.id,
      {
        state: 'shutdown',
        stateReason: 'guest-poweroff',
        stateMessage: 'bad\0text',
        stateChangedAt: 3000,
        process: null,
        bootedAt: null,
        isDeleting: true,
        updatedAt: 3000,
      },
      [],
    );
    assert.deepEqual(stopped, {
      ...before,
      state: 'shutdown',
      stateReason: 'guest-poweroff',
      stateMessage: 'badtext',
      stateChangedAt: 3000,
      isDeleting: true,
      updatedAt: 3000,
    });
    assert.deepEqual(await stores.machines.get(before.id), stopped);
  });

  it('removes a machine once, with its event, and the id is free again', async () => {
    await using stores = await open();
    const { machines, events } = stores;
    const { id } = await machines.insert(newMachine('one'));
    const done = { intents: [], outcome: DONE, at: 5 };
    await machines.remove(id, [eventOf('machine.deleted', id)], done);
    await machines.remove(id, [eventOf('machine.deleted', id)], done);
    assert.equal(await machines.get(id), undefined);
    assert.equal(await machines.update(id, { updatedAt: 6 }, []), undefined);
    const kinds = (await events.read({ afterId: 0, limit: 10 })).map(({ event }) => event.kind);
    assert.deepEqual(kinds, ['machine.created', 'machine.deleted']);
    await machines.insert(newMachine('one', { customerId: BOB }));
    assert.equal((await machines.get(id))?.customerId, BOB);
  });
}

const ANY = { states: [], limit: 50, position: { kind: 'start' } } as const;

export function itKeepsQuotas(open: Open): void {
  it('answers the machine of today under an id used before, at one instant', async () => {
    await using stores = await open();
    const { machines } = stores;
    for (const vcpus of [1, 2]) {
      const { id } = await machines.insert(newMachine('one', { spec: specOf(vcpus) }));
      for (const _ of ['first', 'again']) {
        assert.equal((await machines.get(id))?.spec.cpu.vcpus, vcpus);
      }
      await machines.remove(id, [], { intents: [], outcome: DONE, at: 9 });
    }
  });

  it('refuses what goes past the limits of the customer, or the default ones', async () => {
    await using stores = await open();
    const { machines } = stores;
    const defaultQuota = { maxMachines: 2, maxVcpus: 3, maxMemoryMib: 1024 };
    await machines.insert(newMachine('one', { defaultQuota, spec: specOf(2, 512) }));
    const tooMany = newMachine('two', { defaultQuota, spec: specOf(2, 256) });
    await assert.rejects(machines.insert(tooMany), {
      kind: 'resource_exhausted',
      reason: 'QUOTA_EXCEEDED',
      metadata: { resource: 'vcpus', limit: '3', used: '2', requested: '2' },
    });
    assert.deepEqual(await machines.usage(ADA), { machines: 1, vcpus: 2, memoryMib: 512 });
    assert.equal(await machines.quota(ADA), undefined);
    await machines.setQuota(ADA, { ...UNLIMITED, maxMachines: 2 });
    assert.deepEqual(await machines.quota(ADA), { ...UNLIMITED, maxMachines: 2 });
    await machines.insert(tooMany);
    await assert.rejects(machines.insert(newMachine('three')), { reason: 'QUOTA_EXCEEDED' });
    await machines.insert(newMachine('four', { customerId: BOB, defaultQuota }));
    await machines.setQuota(ADA, UNLIMITED);
    await machines.insert(newMachine('three'));
  });

  it('lets concurrent creates fill a quota exactly', async () => {
    await using stores = await open();
    await stores.machines.setQuota(ADA, { maxMachines: 100, maxVcpus: 10, maxMemoryMib: 1e6 });
    const creates = Array.from({ length: 20 }, (_, at) =>
      stores.machines.insert(newMachine(`m${at}`, { spec: specOf(2) })),
    );
    const settled = await Promise.allSettled(creates);
    assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 5);
    assert.deepEqual(await stores.machines.usage(ADA), {
      machines: 5,
      vcpus: 10,
      memoryMib: 5 * 256,
    });
  });

  it('keeps counters that equal a recount after any mixture of changes', async () => {
    await using stores = await open();
    const { machines } = stores;
    const random = randomFrom(20_260_731);
    const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
    const names = Array.from({ length: 12 }, (_, at) => `m${at}`);
    const act = async () => {
      const id = (pick(names) ?? '') as MachineId;
      const roll = random();
      if (roll < 0.4) {
        const customerId = pick([ADA, BOB]) ?? ADA;
        const spec = specOf(1 + Math.floor(random() * 4), 128 * (1 + Math.floor(random() * 4)));
        await machines.insert(newMachine(id, { customerId, spec })).catch(ignoreTaken);
      } else if (roll < 0.8) {
        const state = pick(MACHINE_STATES) ?? 'created';
        await machines.update(id, { state, updatedAt: 1 }, [changeEvent(id, 'created', state)]);
      } else {
        await machines.remove(id, [], { intents: [], outcome: DONE, at: 1 });
      }
    };
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(Array.from({ length: 10 }, act));
    }
    const { machines: rows, total } = await machines.list(ANY);
    assert.equal(total, rows.length);
    assert.ok(rows.length > 0);
    const counts = await machines.countByState();
    for (const state of MACHINE_STATES) {
      const inState = rows.filter((row) => row.state === state);
      assert.equal(counts[state], inState.length, state);
      for (const customerId of [ADA, BOB]) {
        const page = await machines.list({ ...ANY, customerId, states: [state] });
        assert.equal(page.total, inState.filter((row) => row.customerId === customerId).length);
      }
    }
    for (const customerId of [ADA, BOB]) {
      const own = rows.filter((row) => row.customerId === customerId);
      assert.deepEqual(await machines.usage(customerId), {
        machines: own.length,
        vcpus: own.reduce((sum, row) => sum + row.spec.cpu.vcpus, 0),
        memoryMib: own.reduce((sum, row) => sum + row.spec.memoryMib, 0),
      });
    }
  });
}

function ignoreTaken(thrown: unknown): void {
  if (thrown instanceof DroverError && thrown.kind === 'already_exists') return;
  throw thrown;
}

/** The same numbers in every run, so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
