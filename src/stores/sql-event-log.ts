import { sql, type Expression, type Kysely, type SqlBool } from 'kysely';
import type { EventLog, EventQuery, PrunableKind } from '#events/event-log.ts';
import type { DomainEvent, EventKind, RecordedEvent } from '#events/event.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { Database } from './database.ts';
import { appendEvents } from './event-writer.ts';
import type { Schema } from './schema.ts';
import { slot, StoredQuery } from './stored-query.ts';

const PRUNED_THROUGH = 'events.pruned-through';
/** Far more than there are surfaces asking for different kinds. */
const MOST_QUERIES = 256;

/** In these words, so that SQLite knows the indexes, which hold no others. */
const IS_OF_MACHINE = sql<SqlBool>`machine_id <> ''`;
const IS_OF_CUSTOMER = sql<SqlBool>`customer_id <> ''`;

interface EventRow {
  readonly id: number;
  readonly at: number;
  readonly body: string;
}

export class SqlEventLog implements EventLog {
  readonly #database: Database;
  readonly #eventSignal: EventSignal;
  readonly #queries = new Map<string, StoredQuery<EventRow>>();

  constructor(database: Database, eventSignal: EventSignal) {
    this.#database = database;
    this.#eventSignal = eventSignal;
  }

  async read(query: EventQuery): Promise<readonly RecordedEvent[]> {
    const { afterId, customerId, machineId, limit } = query;
    const stored = this.#queryFor(query);
    const rows = await this.#database.read((db) =>
      stored.run(db, { afterId, customerId, machineId, limit }),
    );
    return rows.map(({ id, at, body }) => ({ id, at, event: JSON.parse(body) as DomainEvent }));
  }

  /** For events that tell of no change in the store; others are written with theirs. */
  async append(at: number, events: readonly DomainEvent[]): Promise<void> {
    await this.#database.write((trx) => appendEvents(trx, this.#database.dialect, { at, events }));
    this.#eventSignal.notify();
  }

  async lastId(): Promise<number> {
    const newest = await this.#database.read((db) =>
      db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst(),
    );
    return newest?.id ?? (await this.prunedThroughId());
  }

  async prunedThroughId(): Promise<number> {
    const row = await this.#database.read((db) =>
      db
        .selectFrom('settings')
        .select('value')
        .where('name', '=', PRUNED_THROUGH)
        .executeTakeFirst(),
    );
    return Number(row?.value ?? 0);
  }

  /**
   * Takes events from the front only. After the wall clock was set back an old event can stand
   * behind a younger one; it stays until that one has aged, so that no gap is ever left.
   */
  async prune(olderThan: number, limit: number): Promise<number> {
    return await this.#database.write(async (trx) => {
      const front = await trx
        .selectFrom('events')
        .select(['id', 'at'])
        .orderBy('id')
        .limit(limit)
        .execute();
      const old = oldOnes(front, olderThan);
      const last = old.at(-1);
      if (last === undefined) return 0;
      await trx.deleteFrom('events').where('id', '<=', last.id).execute();
      const value = String(last.id);
      await trx
        .insertInto('settings')
        .values({ name: PRUNED_THROUGH, value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute();
      return old.length;
    });
  }

  async pruneKind(kind: PrunableKind, olderThan: number, limit: number): Promise<number> {
    // A look first: most of the time there is nothing to do, and nobody need be kept waiting.
    const first = await this.#database.read((db) => frontOfKind(db, kind, 1));
    if (oldOnes(first, olderThan).length === 0) return 0;
    return await this.#database.write(async (trx) => {
      const old = oldOnes(await frontOfKind(trx, kind, limit), olderThan);
      const last = old.at(-1);
      if (last === undefined) return 0;
      await trx
        .deleteFrom('events')
        .where('kind', '=', sql.lit(kind))
        .where('id', '<=', last.id)
        .execute();
      return old.length;
    });
  }

  #queryFor({ customerId, machineId, kinds }: EventQuery): StoredQuery<EventRow> {
    const shape = [
      customerId === undefined ? '' : 'customer',
      machineId === undefined ? '' : 'machine',
      ...(kinds?.toSorted() ?? ['all']),
    ];
    const key = shape.join(' ');
    let query = this.#queries.get(key);
    if (query === undefined) {
      query = new StoredQuery(this.#build({ customerId, machineId, kinds }));
      if (this.#queries.size >= MOST_QUERIES) this.#queries.clear();
      this.#queries.set(key, query);
    }
    return query;
  }

  #build({ customerId, machineId, kinds }: Pick<EventQuery, 'customerId' | 'machineId' | 'kinds'>) {
    let query = eventsAfter(this.#database.reader);
    if (machineId !== undefined) {
      query = query.where('machine_id', '=', slot<string>('machineId')).where(IS_OF_MACHINE);
    }
    if (customerId !== undefined && machineId === undefined) {
      query = query.where('customer_id', '=', slot<string>('customerId')).where(IS_OF_CUSTOMER);
    }
    if (customerId !== undefined && machineId !== undefined) {
      // One machine has far fewer events than a customer; the expression keeps a planner without
      // statistics from walking the customer's index instead of the machine's.
      const ofCustomer = sql<string>`coalesce(customer_id, '')`;
      query = query.where(ofCustomer, '=', slot<string>('customerId'));
    }
    return kinds === undefined ? query : query.where((eb) => eb.and(ofKinds(kinds)));
  }
}

/**
 * Samples can outnumber all else a thousand times. There is an index over all else, and it is used
 * where the query says, in these words, that it wants no samples.
 */
export function ofKinds(kinds: readonly EventKind[]): Expression<SqlBool>[] {
  const names = kinds.length === 0 ? [sql.lit('')] : kinds.map((kind) => sql.lit(kind));
  const isOneOf = sql<SqlBool>`kind in (${sql.join(names)})`;
  return kinds.includes('metrics.sampled')
    ? [isOneOf]
    : [isOneOf, sql<SqlBool>`kind <> 'metrics.sampled'`];
}

interface Dated {
  readonly id: number;
  readonly at: number;
}

/** Those before the first that is not old. */
function oldOnes(front: readonly Dated[], olderThan: number): readonly Dated[] {
  const kept = front.findIndex((event) => event.at >= olderThan);
  return kept === -1 ? front : front.slice(0, kept);
}

async function frontOfKind(
  db: Kysely<Schema>,
  kind: PrunableKind,
  limit: number,
): Promise<readonly Dated[]> {
  return await db
    .selectFrom('events')
    .select(['id', 'at'])
    .where('kind', '=', sql.lit(kind))
    .orderBy('id')
    .limit(limit)
    .execute();
}

function eventsAfter(db: Kysely<Schema>) {
  return db
    .selectFrom('events')
    .select(['id', 'at', 'body'])
    .where('id', '>', slot<number>('afterId'))
    .orderBy('id')
    .limit(slot<number>('limit'));
}
