import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ADA, BOB, specOf } from '#test/contract/store-fixtures.ts';
import { BOOT, failure, openWorld, PAUSE, RESUME, type Life } from '#test/machine-fixture.ts';
import type { MachineEvent, RecordedEvent } from '#events/event.ts';
import type { MachineId } from '#kernel/ids.ts';
import { watchMachines, type WatchQuery } from './machine-watch.ts';

const ALL: WatchQuery = { customerId: undefined, machineIds: new Set(), afterId: undefined };
const idSet = (...names: string[]) => new Set(names as MachineId[]);

function open(life: Life, query: Partial<WatchQuery>, signal = new AbortController().signal) {
  const { events, eventSignal, clock } = life;
  return watchMachines({ events, eventSignal, clock }, { ...ALL, ...query }, signal);
}

async function take(
  watch: AsyncGenerator<RecordedEvent<MachineEvent>>,
  count: number,
): Promise<readonly RecordedEvent<MachineEvent>[]> {
  const taken: RecordedEvent<MachineEvent>[] = [];
  while (taken.length < count) {
    const { value, done } = await watch.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

const tell = ({ event }: RecordedEvent<MachineEvent>) => `${event.machineId} ${event.state}`;

describe('watching machines', () => {
  it('from now on tells what happens from then on', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create('vm_1');
    const watch = open(life, {});
    const first = take(watch, 2);
    await life.clock.advance(0);
    await life.do('vm_1', BOOT);
    await life.create('vm_2', specOf(), BOB);
    assert.deepEqual((await first).map(tell), ['vm_1 running', 'vm_2 created']);
  });

  it('from an event on leaves no gap and repeats nothing', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.boot('vm_1');
    for (let turn = 0; turn < 3; turn += 1) {
      await life.do('vm_1', PAUSE);
      await life.do('vm_1', RESUME);
    }
    const whole = await take(open(life, { afterId: 0 }), 8);
    for (const [index, { id }] of whole.entries()) {
      const rest = await take(open(life, { afterId: id }), whole.length - index - 1);
      assert.deepEqual(rest, whole.slice(index + 1));
    }
  });

  it('goes through a log that is longer than one read', async () => {
    await using world = await openWorld();
    const life = await world.live();
    for (let count = 0; count < 450; count += 1) await life.create(`vm_${count}`);
    const ids = (await take(open(life, { afterId: 0 }), 450)).map(({ id }) => id);
    assert.equal(new Set(ids).size, 450);
    assert.deepEqual(
      ids,
      ids.toSorted((one, other) => one - other),
    );
  });

  it('tells of the machines asked for, and of one customer', async () => {
    await using world = await openWorld();
    const life = await world.live();
    for (const name of ['vm_1', 'vm_2', 'vm_3']) await life.create(name);
    await life.create('vm_4', specOf(), BOB);
    const ofTwo = open(life, { afterId: 0, machineIds: idSet('vm_1', 'vm_3') });
    assert.deepEqual((await take(ofTwo, 2)).map(tell), ['vm_1 created', 'vm_3 created']);
    const ofOne = open(life, { afterId: 0, machineIds: idSet('vm_2') });
    assert.deepEqual((await take(ofOne, 1)).map(tell), ['vm_2 created']);
    const ofBob = open(life, { afterId: 0, customerId: BOB });
    assert.deepEqual((await take(ofBob, 1)).map(tell), ['vm_4 created']);
    const notHis = open(life, { afterId: 0, customerId: BOB, machineIds: idSet('vm_1', 'vm_4') });
    assert.deepEqual((await take(notHis, 1)).map(tell), ['vm_4 created']);
  });

  it('hears of what another process wrote within a second', async () => {
    await using world = await openWorld();
    const life = await world.live();
    const other = world.begin();
    const first = take(open(life, {}), 1);
    await life.clock.advance(0);
    await other.create('vm_1');
    await life.clock.advance(1000);
    assert.deepEqual((await first).map(tell), ['vm_1 created']);
  });

  it('from before what is still kept is refused, saying where to go on', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create('vm_1');
    await life.create('vm_2');
    await life.clock.advance(1000);
    await life.create('vm_3');
    await life.events.prune(life.clock.nowMs(), 100);
    const refused = failure('failed_precondition', /up to 2 are no longer kept/, 'EVENTS_PRUNED');
    await assert.rejects(open(life, { afterId: 1 }).next(), refused);
    assert.deepEqual((await take(open(life, { afterId: 2 }), 1)).map(tell), ['vm_3 created']);
  });

  it('too slowly for what is kept is refused as well, and not given a gap', async () => {
    await using world = await openWorld();
    const life = await world.live();
    await life.create('vm_1');
    const watch = open(life, { afterId: 0 });
    await take(watch, 1);
    await life.create('vm_2');
    await life.clock.advance(3_600_000);
    await life.create('vm_3');
    await life.events.prune(life.clock.nowMs(), 100);
    await assert.rejects(watch.next(), failure('failed_precondition', /no longer kept/));
  });

  it('slowly sends nothing that was not asked for, and misses nothing', async () => {
    await using world = await openWorld();
    const life = await world.live();
    let reads = 0;
    const events = {
      read: (query: Parameters<typeof life.events.read>[0]) => {
        reads += 1;
        return life.events.read(query);
      },
      lastId: () => life.events.lastId(),
      prunedThroughId: () => life.events.prunedThroughId(),
      prune: () => Promise.resolve(0),
      pruneKind: () => Promise.resolve(0),
    };
    const { eventSignal, clock } = life;
    const query = { ...ALL, customerId: ADA, afterId: 0 };
    await life.create('vm_1');
    const { signal } = new AbortController();
    const watch = watchMachines({ events, eventSignal, clock }, query, signal);
    await take(watch, 1);
    for (let count = 2; count <= 30; count += 1) await life.create(`vm_${count}`);
    await life.clock.advance(30_000);
    assert.equal(reads, 1);
    assert.equal((await take(watch, 29)).length, 29);
  });

  it('ends with its signal, at once, and leaves no timer behind', async () => {
    await using world = await openWorld();
    const life = await world.live();
    const timers = life.clock.pendingTimers;
    const leaving = new AbortController();
    const watch = open(life, { afterId: 0 }, leaving.signal);
    await life.create('vm_1');
    await take(watch, 1);
    const next = watch.next();
    await life.clock.advance(0);
    assert.equal(life.clock.pendingTimers, timers + 1);
    await life.create('vm_3');
    assert.equal((await next).done, false);
    assert.equal(life.clock.pendingTimers, timers);
    const last = watch.next();
    await life.clock.advance(0);
    leaving.abort(new Error('gone'));
    assert.equal((await last).done, true);
    assert.equal(life.clock.pendingTimers, timers);
    await life.create('vm_2');
    const late = open(life, { afterId: 0 }, leaving.signal);
    assert.equal((await late.next()).done, true);
  });
});
