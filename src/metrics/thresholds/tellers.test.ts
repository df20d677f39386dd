/** Several processes that watch the same servers over one database. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIALECTS, useDatabases } from '#test/contract/databases.ts';
import { openWorld, warmRule, type Rooms, type ThresholdWorld } from '#test/threshold-fixture.ts';

const RULE = warmRule({ for: 0 });
const BOTH = ['a', 'b'];

const OTHER = ['other'];
/** Long enough for who looks every five seconds to find out that another one is gone. */
const UNTIL_GONE = 40;

function openOn(url: string, instanceId: string, more: Parameters<typeof openWorld>[0] = {}) {
  const identity = { instanceId, accountId: undefined };
  return openWorld({ url, identity, configRules: [RULE], servers: () => BOTH, ...more });
}

/** Each second waits for what the one before has asked of the database. */
async function watch(world: ThresholdWorld, rooms: Rooms, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) await world.tick(rooms);
}

async function held(world: ThresholdWorld): Promise<string[]> {
  const { tellers } = await world.stores.tellers.look('looker');
  return tellers.map(({ server, holder }) => `${server} ${holder}`).toSorted();
}

for (const dialect of DIALECTS) {
  describe(`who tells of watched servers, on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);

    it('is one process, and what fires is shown by each', async () => {
      const url = await createUrl();
      await using one = await openOn(url, 'host-1');
      await using two = await openOn(url, 'host-2');
      for (const value of [40, 40, 20]) {
        await two.tick({ 'server=a': value });
        await one.tick({ 'server=a': value });
        const shown = value === 40 ? ['firing server="a" 40'] : [];
        assert.deepEqual([one.alerts(), two.alerts()], [shown, shown]);
      }
      assert.deepEqual(await one.told(), ['violated a 40', 'resolved a 20']);
      assert.deepEqual(await held(one), ['a host-2', 'b host-2']);
    });

    it('is another one once that is killed, and nothing is told twice', async () => {
      const url = await createUrl();
      await using one = await openOn(url, 'host-1');
      await using two = await openOn(url, 'host-2');
      await one.tick({ 'server=a': 20, 'server=b': 20 });
      await one.tick({ 'server=a': 40, 'server=b': 20 });
      await watch(two, { 'server=a': 41, 'server=b': 42 }, UNTIL_GONE);
      assert.deepEqual(await held(two), ['a host-2', 'b host-2']);
      assert.deepEqual(await two.told(), ['violated a 40', 'violated b 42']);
      await two.tick({ 'server=a': 20, 'server=b': 42 });
      assert.deepEqual((await two.told()).slice(2), ['resolved a 20']);
      // The one that was only slow comes back, and has not heard of any of this.
      await watch(one, { 'server=a': 20, 'server=b': 20 }, 12);
      await watch(one, { 'server=a': 44, 'server=b': 44 }, 3);
      assert.equal((await two.told()).length, 3);
      assert.deepEqual(two.alerts(), ['firing server="b" 42']);
    });

    it('goes over at once from one that stops', async () => {
      const url = await createUrl();
      await using two = await openOn(url, 'host-2');
      {
        await using one = await openOn(url, 'host-1');
        await one.tick({ 'server=a': 20 });
        await one.tick({ 'server=a': 40 });
        await two.tick({ 'server=a': 40 });
      }
      await watch(two, { 'server=a': 20 }, 6);
      assert.deepEqual(await two.told(), ['violated a 40', 'resolved a 20']);
    });
  });
}

describe('Tellers', () => {
  const createUrl = useDatabases('SQLite');

  it('lets a process that was started again go on where it was', async () => {
    const url = await createUrl();
    await using before = await openOn(url, 'host-1');
    await before.tick({ 'server=a': 20, 'server=b': 20 });
    await before.tick({ 'server=a': 40, 'server=b': 40 });
    await using world = await openOn(url, 'host-1', { aheadMs: 60_000 });
    await watch(world, { 'server=a': 41, 'server=b': 20 }, 3);
    await world.tick({ 'server=a': 20, 'server=b': 20 });
    const told = ['violated a 40', 'violated b 40', 'resolved b 20', 'resolved a 20'];
    assert.deepEqual(await world.told(), told);
    assert.deepEqual(await world.stores.rules.states('host-1'), []);
  });

  it('goes by what was told last, not by what this process told', async () => {
    const url = await createUrl();
    await using one = await openOn(url, 'host-1');
    await using two = await openOn(url, 'host-2');
    await one.tick({ 'server=a': 20 });
    await one.tick({ 'server=a': 40 });
    await watch(two, { 'server=a': 20 }, UNTIL_GONE);
    assert.deepEqual(await two.told(), ['violated a 40', 'resolved a 20']);
    // To the one that was away it fires without a break.
    await watch(one, { 'server=a': 41 }, 20);
    assert.equal((await one.told()).length, 2);
    await watch(one, { 'server=a': 41 }, UNTIL_GONE);
    assert.deepEqual((await one.told()).slice(2), ['violated a 41']);
  });

  it('keeps a cooldown that began with another process', async () => {
    const url = await createUrl();
    const cool = { configRules: [warmRule({ for: 0, cooldown: 60 })] };
    await using one = await openOn(url, 'host-1', cool);
    await using two = await openOn(url, 'host-2', cool);
    for (const value of [20, 40, 20]) await one.tick({ 'server=a': value });
    two.clock.jumpWallClock(3000);
    await watch(two, { 'server=a': 41 }, UNTIL_GONE);
    assert.deepEqual(two.alerts(), ['pending server="a" 41']);
    assert.deepEqual(await two.told(), ['violated a 40', 'resolved a 20']);
    await watch(two, { 'server=a': 41 }, 25);
    assert.deepEqual((await two.told()).slice(2), ['violated a 41']);
  });

  it('waits with telling until it is known which servers there are', async () => {
    const url = await createUrl();
    const known: { servers?: readonly string[] } = {};
    await using world = await openOn(url, 'host-1', { servers: () => known.servers });
    await watch(world, { 'server=a': 40, 'server=here': 40 }, 8);
    assert.deepEqual(await world.told(), []);
    known.servers = BOTH;
    await watch(world, { 'server=a': 40, 'server=here': 40 }, 2);
    assert.deepEqual((await world.told()).toSorted(), ['violated a 40', 'violated here 40']);
  });

  it('leaves to each process its own host, and what is about no server', async () => {
    const url = await createUrl();
    await using one = await openOn(url, 'host-1');
    await using two = await openOn(url, 'host-2');
    for (const world of [one, two]) await world.tick({ 'room=x': 40, 'server=here': 40 });
    for (const world of [one, two]) await world.tick({ 'room=x': 40, 'server=here': 40 });
    const each = ['violated here 40', 'violated x 40'];
    assert.deepEqual((await one.told()).toSorted(), [...each, ...each].toSorted());
  });

  it('tells twice rather than not at all where rules are different', async () => {
    const url = await createUrl();
    const lax = { configRules: [warmRule({ for: 0, value: 45 })] };
    await using one = await openOn(url, 'host-1', lax);
    await using two = await openOn(url, 'host-2');
    for (const value of [20, 40, 50]) {
      await one.tick({ 'server=a': value });
      await two.tick({ 'server=a': value });
    }
    assert.deepEqual(await one.told(), ['violated a 40', 'violated a 50']);
  });

  it('leaves the database alone where no servers are watched', async () => {
    const url = await createUrl();
    const none: readonly string[] = [];
    await using world = await openOn(url, 'host-1', { servers: () => none });
    await watch(world, { 'server=here': 40 }, 20);
    const { beats } = await world.stores.tellers.look('looker');
    assert.equal(beats.get('host-1'), 1);
    assert.deepEqual(await world.told(), ['violated here 40']);
  });

  it('tells of a server that was removed that it is measured no more, once', async () => {
    const url = await createUrl();
    let servers: readonly string[] = BOTH;
    const following = { servers: () => servers };
    await using one = await openOn(url, 'host-1', following);
    await using two = await openOn(url, 'host-2', following);
    for (const world of [one, two]) await world.tick({ 'server=a': 20 });
    for (const world of [one, two]) await world.tick({ 'server=a': 40 });
    servers = ['b'];
    for (const world of [two, one]) await watch(world, {}, 30);
    assert.deepEqual(await one.told(), ['violated a 40', 'resolved a -']);
    assert.deepEqual([one.alerts(), two.alerts()], [[], []]);
    assert.deepEqual(await held(one), ['b host-1']);
    assert.deepEqual(await one.stores.rules.states('*'), []);
  });

  it('brings to an end what somebody told who is gone for good', async () => {
    const url = await createUrl();
    await using one = await openOn(url, 'host-1');
    await using two = await openOn(url, 'host-2', { servers: () => OTHER });
    await one.tick({ 'server=a': 20 });
    await one.tick({ 'server=a': 40 });
    await watch(two, {}, 590);
    assert.deepEqual(await two.told(), ['violated a 40']);
    await watch(two, {}, 110);
    assert.deepEqual(await two.told(), ['violated a 40', 'resolved a -']);
    assert.deepEqual(await held(two), ['other host-2']);
  });
});
