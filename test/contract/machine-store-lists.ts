/** What every MachineStore does with lists. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HostId, MachineId } from '#kernel/ids.ts';
import type { MachinePage, MachineQuery, MachineStore } from '#machines/machine-store.ts';
import type { MachineState } from '#machines/machine.ts';
import type { OpenMachineStore } from '#test/contract/machine-store.ts';
import { ADA, BOB, DONE, newMachine } from '#test/contract/store-fixtures.ts';

const START: MachineQuery = { states: [], limit: 50, position: { kind: 'start' } };
const STATES: readonly MachineState[] = ['created', 'running', 'paused', 'shutdown'];

function namesOn(page: MachinePage): string[] {
  return page.machines.map(({ id }) => id);
}

/** `m00`, `m01`…: three share each instant, every second is Ada's, states take turns. */
async function fill(machines: MachineStore, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const id = `m${String(at).padStart(2, '0')}` as MachineId;
    const customerId = at % 2 === 0 ? ADA : BOB;
    await machines.insert(newMachine(id, { customerId, createdAt: 1000 + Math.floor(at / 3) }));
    const state = STATES[at % 4] ?? 'created';
    if (state !== 'created') await machines.update(id, { state, updatedAt: 1 }, []);
  }
}

async function walk(machines: MachineStore, query: MachineQuery): Promise<string[]> {
  const names: string[] = [];
  let page = await machines.list(query);
  for (;;) {
    names.push(...namesOn(page));
    const last = page.machines.at(-1);
    if (!page.hasMore || last === undefined) return names;
    const position = { kind: 'keyset', createdAt: last.createdAt, id: last.id } as const;
    page = await machines.list({ ...query, position });
  }
}

export function itListsMachines(open: () => Promise<OpenMachineStore>): void {
  it('lists the newest first, and by id where instants are equal, in byte order', async () => {
    await using stores = await open();
    for (const [name, createdAt] of [
      ['a', 1000],
      ['B', 1000],
      ['_', 1000],
      ['b', 1000],
      ['old', 999],
      ['new', 1001],
    ] as const) {
      await stores.machines.insert(newMachine(name, { createdAt }));
    }
    const inOrder = ['new', 'b', 'a', '_', 'B', 'old'];
    assert.deepEqual(namesOn(await stores.machines.list(START)), inOrder);
    assert.deepEqual(await walk(stores.machines, { ...START, limit: 1 }), inOrder);
    const states = ['created', 'running'] as const;
    assert.deepEqual(namesOn(await stores.machines.list({ ...START, states })), inOrder);
  });

  it('pages through any filter without missing or repeating, with the total of all', async () => {
    await using stores = await open();
    await fill(stores.machines, 24);
    const all = namesOn(await stores.machines.list(START));
    assert.equal(all.length, 24);
    const stateOf = (name: string) => STATES[Number(name.slice(1)) % 4] ?? 'created';
    for (const customerId of [undefined, ADA, BOB]) {
      for (const states of [[], ['running'], ['paused', 'created'], STATES, ['paused', 'paused']]) {
        const expected = all.filter((name) => {
          const owner = Number(name.slice(1)) % 2 === 0 ? ADA : BOB;
          const isOwn = customerId === undefined || owner === customerId;
          return isOwn && (states.length === 0 || states.includes(stateOf(name)));
        });
        const query = { ...START, customerId, states: states as MachineState[] };
        for (const limit of [1, 5, 24]) {
          assert.deepEqual(await walk(stores.machines, { ...query, limit }), expected);
        }
        assert.equal((await stores.machines.list({ ...query, limit: 2 })).total, expected.length);
        for (const offset of [0, 1, 4, expected.length, expected.length + 3]) {
          const page = await stores.machines.list({
            ...query,
            limit: 3,
            position: { kind: 'offset', offset },
          });
          assert.deepEqual(namesOn(page), expected.slice(offset, offset + 3));
          assert.equal(page.hasMore, expected.length > offset + 3);
        }
      }
    }
  });

  it('says whether there is more, also when a page ends exactly', async () => {
    await using stores = await open();
    await fill(stores.machines, 4);
    const hasMore = async (limit: number) =>
      (await stores.machines.list({ ...START, limit })).hasMore;
    assert.deepEqual([await hasMore(3), await hasMore(4), await hasMore(5)], [true, false, false]);
  });

  it('keeps its place while machines come and go', async () => {
    await using stores = await open();
    const { machines } = stores;
    await fill(machines, 12);
    const before = namesOn(await machines.list(START));
    const seen: string[] = [];
    let position: MachineQuery['position'] = { kind: 'start' };
    for (let round = 0; ; round += 1) {
      const page = await machines.list({ ...START, limit: 3, position });
      seen.push(...namesOn(page));
      const last = page.machines.at(-1);
      if (!page.hasMore || last === undefined) break;
      position = { kind: 'keyset', createdAt: last.createdAt, id: last.id };
      await machines.insert(newMachine(`later${round}`, { createdAt: 5000 + round }));
      // The very machine that the position names may go.
      await machines.remove(last.id, [], { intents: [], outcome: DONE, at: 1 });
    }
    assert.deepEqual(seen, before);
  });

  it('lists the machines of a host in order of id', async () => {
    await using stores = await open();
    const { machines } = stores;
    const other = 'host-2' as HostId;
    for (const name of ['c', 'a', 'b']) await machines.insert(newMachine(name));
    await machines.insert(newMachine('aa', { hostId: other }));
    const namesAfter = async (afterId: string, limit: number) =>
      (await machines.listByHost(newMachine('x').hostId, afterId, limit)).map(({ id }) => id);
    assert.deepEqual(await namesAfter('', 2), ['a', 'b']);
    assert.deepEqual(await namesAfter('b', 2), ['c']);
    assert.deepEqual(await namesAfter('c', 2), []);
  });
}
