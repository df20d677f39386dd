/** What every TellerStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StateTransition } from '#metrics/thresholds/rule-store.ts';
import type { Teller, TellerStore, Tenure } from '#metrics/thresholds/teller-store.ts';
import type { OpenStores } from './databases.ts';
import { storedState, violation } from './rule-store.ts';

const ONE = { holder: 'host-1', rules: 'r1' };
const TWO = { holder: 'host-2', rules: 'r2' };

async function tellerOf(store: TellerStore, server: string): Promise<Teller> {
  const { tellers } = await store.look('looker');
  const found = tellers.find((each) => each.server === server);
  assert.ok(found !== undefined, `nobody tells of ${server}`);
  return found;
}

function transition(transitionId: string, tenure: Tenure): StateTransition {
  const event = violation({ server: tenure.server });
  return { state: storedState({ kind: 'firing', transitionId, tenure, violated: event }), event };
}

async function statesIn({ rules }: OpenStores): Promise<string[]> {
  return (await rules.states('host-1')).map(({ transitionId }) => transitionId);
}

export function itKeepsTellers(open: () => Promise<OpenStores>): void {
  it('counts up the beat of whoever looks, and of nobody else', async () => {
    await using stores = await open();
    const { tellers: store } = stores;
    await store.look('host-1');
    await store.look('host-2');
    const { beats, tellers } = await store.look('host-1');
    assert.deepEqual(Object.fromEntries(beats), { 'host-1': 2, 'host-2': 1 });
    assert.deepEqual(tellers, []);
  });

  it('gives a server to one of those that claim it as nobody’s', async () => {
    await using stores = await open();
    const { tellers: store } = stores;
    const claims = ['a', 'b', 'c'].map((server) => ({ server, before: undefined }));
    const won = await Promise.all([
      store.claim(ONE, claims),
      store.claim(TWO, claims.toReversed()),
      store.claim(TWO, claims),
    ]);
    assert.deepEqual(
      won
        .flat()
        .map(({ server }) => server)
        .toSorted(),
      ['a', 'b', 'c'],
    );
  });

  it('gives it to another one only as it was seen to be', async () => {
    await using stores = await open();
    const { tellers: store } = stores;
    await store.claim(ONE, [{ server: 'a', before: undefined }]);
    const first = await tellerOf(store, 'a');
    assert.equal(first.rules, 'r1');
    const [taken] = await store.claim(TWO, [{ server: 'a', before: first }]);
    assert.equal(taken?.holder, 'host-2');
    assert.notEqual(taken.turn, first.turn);
    assert.deepEqual(await store.claim(ONE, [{ server: 'a', before: first }]), []);
    assert.deepEqual(await store.claim(ONE, [{ server: 'a', before: undefined }]), []);
    assert.deepEqual(await tellerOf(store, 'a'), { ...taken, rules: 'r2' });
  });

  it('takes back what is still held, and all of who leaves', async () => {
    await using stores = await open();
    const { tellers: store } = stores;
    const claims = ['a', 'b'].map((server) => ({ server, before: undefined }));
    const [first, second] = await store.claim(ONE, claims);
    assert.ok(first !== undefined && second !== undefined);
    const [moved] = await store.claim(TWO, [{ server: first.server, before: first }]);
    await store.release([first, second]);
    const { tellers } = await store.look('host-1');
    assert.deepEqual(tellers, [{ ...moved, rules: 'r2' }]);
    await store.look('host-2');
    await store.leave('host-2');
    const left = await store.look('host-1');
    assert.deepEqual([left.tellers, [...left.beats.keys()]], [[], ['host-1']]);
  });

  it('writes states and events of a tenure only while it lasts', async () => {
    await using stores = await open();
    const { rules, events, tellers } = stores;
    const [tenure] = await tellers.claim(ONE, [{ server: 'a', before: undefined }]);
    assert.ok(tenure !== undefined);
    const first = transition('t1', tenure);
    await rules.commit([first]);
    assert.deepEqual(await statesIn(stores), ['t1']);
    await tellers.claim(TWO, [{ server: 'a', before: tenure }]);
    await rules.commit([transition('t2', tenure)]);
    await rules.save([{ ...first.state, transitionId: 't3' }], []);
    await rules.save([], [first.state]);
    assert.deepEqual(await statesIn(stores), ['t1']);
    assert.equal((await events.read({ afterId: 0, limit: 9 })).length, 1);
  });
}
