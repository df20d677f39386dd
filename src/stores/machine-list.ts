/**
 * Pages of machines, newest first. A page is a walk along one index, begun at the position and
 * ended after `limit` rows, whatever else the table holds. For several states one such walk is
 * made for each, and the results are merged.
 */
import type { Kysely } from 'kysely';
import type { MachinePage, MachineQuery } from '#machines/machine-store.ts';
import { MACHINE_STATES, type MachineState } from '#machines/machine.ts';
import { sumCounts, type MachineCounts } from './machine-counts.ts';
import { rowToMachine, type MachineRow } from './machine-row.ts';
import type { Schema } from './schema.ts';
import { slot, StoredQuery } from './stored-query.ts';

interface Filter {
  readonly customerId: string | undefined;
  readonly state: MachineState | undefined;
}

interface Key {
  readonly created_at: number;
  readonly id: string;
}

export class MachineList {
  readonly #counts: MachineCounts;
  readonly #pages = new Map<string, StoredQuery<MachineRow>>();

  constructor(counts: MachineCounts) {
    this.#counts = counts;
  }

  async page(db: Kysely<Schema>, query: MachineQuery): Promise<MachinePage> {
    const { customerId, limit, position } = query;
    const filters = filtersOf(query);
    const counts = await this.#counts.read(db, customerId);
    const total = sumCounts(counts, query.states).machines;
    const empty: MachinePage = { machines: [], hasMore: false, total };
    let after: Key | undefined;
    if (position.kind === 'keyset') {
      after = { created_at: position.createdAt, id: position.id };
    } else if (position.kind === 'offset' && position.offset > 0) {
      if (position.offset >= total) return empty;
      after = await keyBefore(db, filters, position.offset);
      if (after === undefined) return empty;
    }
    const found: MachineRow[] = [];
    for (const filter of filters) {
      found.push(...(await this.#rows(db, filter, { after, limit: limit + 1 })));
    }
    if (filters.length > 1) found.sort(newestFirst);
    const machines = found.slice(0, limit).map(rowToMachine);
    return { machines, hasMore: found.length > limit, total };
  }

  async #rows(
    db: Kysely<Schema>,
    { customerId, state }: Filter,
    { after, limit }: { readonly after: Key | undefined; readonly limit: number },
  ): Promise<readonly MachineRow[]> {
    const shape = [customerId, state, after].map((part) => part !== undefined).join();
    let query = this.#pages.get(shape);
    if (query === undefined) {
      query = new StoredQuery(pageQuery(db, { customerId, state }, after !== undefined));
      this.#pages.set(shape, query);
    }
    return await query.run(db, {
      customerId,
      state,
      limit,
      createdAt: after?.created_at,
      id: after?.id,
    });
  }
}

/** One filter for each walk. All states together need none. */
function filtersOf({ customerId, states }: MachineQuery): readonly Filter[] {
  const wanted = [...new Set(states)];
  if (wanted.length === 0 || wanted.length === MACHINE_STATES.length) {
    return [{ customerId, state: undefined }];
  }
  return wanted.map((state) => ({ customerId, state }));
}

/** Only which parts are there matters here; the values come with each run. */
function pageQuery(db: Kysely<Schema>, filter: Filter, hasPosition: boolean) {
  let query = db
    .selectFrom('machines')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(slot<number>('limit'));
  if (filter.customerId !== undefined) {
    query = query.where('customer_id', '=', slot<string>('customerId'));
  }
  if (filter.state !== undefined) query = query.where('state', '=', slot<string>('state'));
  if (!hasPosition) return query;
  return query.where((eb) =>
    eb(
      eb.refTuple('created_at', 'id'),
      '<',
      eb.tuple(slot<number>('createdAt'), slot<string>('id')),
    ),
  );
}

/** The last key that an offset skips. It reads keys alone, and all of them come from an index. */
async function keyBefore(
  db: Kysely<Schema>,
  filters: readonly Filter[],
  offset: number,
): Promise<Key | undefined> {
  const [first, ...others] = filters.map((filter) => {
    const keys = firstKeys(db, filter, offset);
    return db.selectFrom(keys.as('walk')).select(['walk.created_at', 'walk.id']);
  });
  if (first === undefined) return undefined;
  const all = others.reduce((union, walk) => union.unionAll(walk), first);
  return await db
    .selectFrom(all.as('keys'))
    .select(['keys.created_at', 'keys.id'])
    .orderBy('keys.created_at', 'desc')
    .orderBy('keys.id', 'desc')
    .limit(1)
    .offset(offset - 1)
    .executeTakeFirst();
}

function firstKeys(db: Kysely<Schema>, { customerId, state }: Filter, limit: number) {
  let query = db
    .selectFrom('machines')
    .select(['created_at', 'id'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
  if (customerId !== undefined) query = query.where('customer_id', '=', customerId);
  if (state !== undefined) query = query.where('state', '=', state);
  return query;
}

function newestFirst(one: Key, other: Key): number {
  if (one.created_at !== other.created_at) return other.created_at - one.created_at;
  return one.id < other.id ? 1 : -1;
}
