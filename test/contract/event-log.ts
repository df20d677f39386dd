/** What every EventLog does. Events come from where they are written: changes to machines. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EventLog } from '#events/event-log.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { FakeClock } from '#kernel/fake-clock.ts';
import type { MachineStore } from '#machines/machine-store.ts';
import type { Database } from '#stores/database.ts';
import { ADA, BOB, changeEvent, eventOf, newMachine } from '#test/contract/store-fixtures.ts';
import { emit, sampleEvent, thresholdEvent } from '#test/webhook-fixture.ts';

export interface OpenEventLog extends AsyncDisposable {
  readonly machines: MachineStore;
  readonly events: EventLog;
  readonly eventSignal: EventSignal;
  readonly database: Database;
  readonly clock: FakeClock;
}

export function itKeepsEvents(open: () => Promise<OpenEventLog>): void {
  const ALL = { afterId: 0, limit: 1000 };

  it('tells of each change with the time it was written, in order of id', async () => {
    await using stores = await open();
    const { machines, events, clock } = stores;
    assert.deepEqual(await events.read(ALL), []);
    assert.equal(await events.lastId(), 0);
    const first = newMachine('first');
    await machines.insert(first);
    const insertedAt = clock.nowMs();
    await clock.advance(1000);
    const changes = [
      changeEvent('first', 'created', 'running'),
      changeEvent('first', 'running', 'paused'),
    ];
    await machines.update(first.id, { state: 'paused', updatedAt: clock.nowMs() }, changes);
    const recorded = await events.read(ALL);
    assert.deepEqual(
      recorded.map(({ at, event }) => ({ at, event })),
      [
        { at: insertedAt, event: first.event },
        ...changes.map((event) => ({ at: insertedAt + 1000, event })),
      ],
    );
    assert.equal(await events.lastId(), recorded.at(-1)?.id);
    assert.deepEqual(
      recorded.map(({ id }) => id),
      recorded.map(({ id }) => id).toSorted((one, other) => one - other),
    );
  });

  it('wakes those who wait after the commit, and not for changes without events', async () => {
    await using stores = await open();
    const { machines, events, eventSignal } = stores;
    const woken = eventSignal.next();
    await machines.insert(newMachine('one'));
    await woken;
    assert.equal((await events.read(ALL)).length, 1);
    const asleep = eventSignal.next();
    await machines.update('one' as MachineId, { updatedAt: 5 }, []);
    await machines.update('gone' as MachineId, { updatedAt: 5 }, [eventOf('machine.deleted', 'x')]);
    const outcome = await Promise.race([asleep, Promise.resolve('still asleep')]);
    assert.equal(outcome, 'still asleep');
    assert.equal((await events.read(ALL)).length, 1);
  });

  it('can be asked for one customer, one machine, or both, from any id on', async () => {
    await using stores = await open();
    const { machines, events } = stores;
    for (const [name, customerId] of [
      ['a1', ADA],
      ['b1', BOB],
      ['a2', ADA],
      ['b2', BOB],
    ] as const) {
      await machines.insert(newMachine(name, { customerId }));
    }
    const namesOf = async (query: Partial<Parameters<EventLog['read']>[0]>) =>
      (await events.read({ ...ALL, ...query })).map(({ event }) => event.machineId);
    const a2 = 'a2' as MachineId;
    assert.deepEqual(await namesOf({ customerId: ADA }), ['a1', 'a2']);
    assert.deepEqual(await namesOf({ machineId: a2 }), ['a2']);
    assert.deepEqual(await namesOf({ machineId: a2, customerId: ADA }), ['a2']);
    assert.deepEqual(await namesOf({ machineId: a2, customerId: BOB }), []);
    assert.deepEqual(await namesOf({ customerId: 'nobody' as CustomerId }), []);
    const [, second] = await events.read(ALL);
    assert.deepEqual(await namesOf({ afterId: second?.id ?? 0 }), ['a2', 'b2']);
    assert.deepEqual(await namesOf({ limit: 3 }), ['a1', 'b1', 'a2']);
  });

  it('prunes from the front, never leaves a gap, and never uses an id twice', async () => {
    await using stores = await open();
    const { machines, events, clock } = stores;
    for (const name of ['one', 'two', 'three', 'four']) {
      await machines.insert(newMachine(name));
      // The wall clock is set back after `two`, so `three` is older than what stands before it.
      await (name === 'two' ? clock.jumpWallClock(-60_000) : clock.advance(1000));
    }
    const [one, two, three, four] = await events.read(ALL);
    assert.ok(one && two && three && four);
    assert.equal(await events.prunedThroughId(), 0);
    assert.equal(await events.prune(two.at, 100), 1);
    assert.equal(await events.prunedThroughId(), one.id);
    assert.equal(await events.prune(two.at + 1, 2), 2);
    assert.equal(await events.prunedThroughId(), three.id);
    assert.equal(await events.prune(two.at + 1, 100), 1);
    assert.equal(await events.prune(two.at + 1, 100), 0);
    assert.equal(await events.lastId(), four.id);
    await machines.insert(newMachine('five'));
    assert.ok((await events.lastId()) > four.id);
  });

  it('can be asked for some kinds of events only', async () => {
    await using stores = await open();
    const { events, machines, clock } = stores;
    await machines.insert(newMachine('one'));
    const ofAda = { instanceId: 'vm-1', customerId: ADA };
    const told = [sampleEvent(), thresholdEvent(), sampleEvent(ofAda), sampleEvent()];
    await emit(stores, clock.nowMs(), told);
    const kindsOf = async (query: Partial<Parameters<EventLog['read']>[0]>) =>
      (await events.read({ ...ALL, ...query })).map(({ event }) => event.kind);
    const [sampled, violated] = ['metrics.sampled', 'threshold.violated'] as const;
    assert.deepEqual(await kindsOf({ kinds: [violated] }), [violated]);
    assert.deepEqual(await kindsOf({ kinds: [sampled] }), [sampled, sampled, sampled]);
    assert.deepEqual(await kindsOf({ kinds: [sampled], customerId: ADA }), [sampled]);
    assert.deepEqual(await kindsOf({ kinds: [violated, 'machine.created'] }), [
      'machine.created',
      violated,
    ]);
    assert.deepEqual(await kindsOf({ kinds: [violated], customerId: ADA }), []);
    assert.deepEqual(await kindsOf({ kinds: [] }), []);
    assert.equal((await kindsOf({})).length, 5);
  });

  it('prunes old samples alone, and stops at the first that is young', async () => {
    await using stores = await open();
    const { events } = stores;
    for (const at of [1000, 2000, 5000, 3000]) {
      await emit(stores, at, [sampleEvent(), thresholdEvent()]);
    }
    assert.equal(await events.pruneKind('metrics.sampled', 1000, 10), 0);
    assert.equal(await events.pruneKind('metrics.sampled', 4000, 1), 1);
    assert.equal(await events.pruneKind('metrics.sampled', 4000, 10), 1);
    assert.equal(await events.pruneKind('metrics.sampled', 4000, 10), 0);
    const left = await events.read(ALL);
    assert.equal(left.filter(({ event }) => event.kind === 'metrics.sampled').length, 2);
    assert.equal(left.length, 6);
    assert.equal(await events.prunedThroughId(), 0);
  });

  it('shows ids in the order of commits to a reader who follows along', async () => {
    await using stores = await open();
    const { machines, events, eventSignal } = stores;
    const count = 60;
    const writing = Promise.all(
      Array.from({ length: count }, (_, at) =>
        machines.insert(newMachine(`m${at}`, { customerId: `c${at}` as CustomerId })),
      ),
    );
    const seen = new Set<string>();
    let afterId = 0;
    while (seen.size < count) {
      const next = eventSignal.next();
      const page = await events.read({ afterId, limit: 7 });
      for (const { id, event } of page) {
        assert.ok(id > afterId);
        afterId = id;
        seen.add(event.machineId ?? '');
      }
      if (page.length === 0) await next;
    }
    await writing;
    assert.equal(seen.size, count);
  });
}
