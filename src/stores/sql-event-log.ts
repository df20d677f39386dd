import { sql, type Kysely } from 'kysely';
import type { EventLog, EventQuery } from '#events/event-log.ts';
import type { DomainEvent, RecordedEvent } from '#events/event.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';
import { slot, StoredQuery } from './stored-query.ts';

const PRUNED_THROUGH = 'events.pruned-through';

interface EventRow {
  readonly id: number;
  readonly at: number;
  readonly body: string;
}

export class SqlEventLog implements EventLog {
  readonly #database: Database;
  readonly #readAll: StoredQuery<EventRow>;
  readonly #readOfCustomer: StoredQuery<EventRow>;
  readonly #readOfMachine: StoredQuery<EventRow>;
  readonly #readOfBoth: StoredQuery<EventRow>;

  constructor(database: Database) {
    this.#database = database;
    const events = eventsAfter(database.reader);
    const ofMachine = events.where('machine_id', '=', slot<string>('machineId'));
    this.#readAll = new StoredQuery(events);
    this.#readOfCustomer = new StoredQuery(
      events.where('customer_id', '=', slot<string>('customerId')),
    );
    this.#readOfMachine = new StoredQuery(ofMachine);
    // One machine has far fewer events than a customer; the expression keeps a planner without
    // statistics from walking the customer's index instead of the machine's.
    this.#readOfBoth = new StoredQuery(
      ofMachine.where(sql<string>`coalesce(customer_id, '')`, '=', slot<string>('customerId')),
    );
  }

  async read(query: EventQuery): Promise<readonly RecordedEvent[]> {
    const { afterId, customerId, machineId, limit } = query;
    const stored = this.#queryFor(query);
    const rows = await this.#database.read((db) =>
      stored.run(db, { afterId, customerId, machineId, limit }),
    );
    return rows.map(({ id, at, body }) => ({ id, at, event: JSON.parse(body) as DomainEvent }));
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
      const kept = front.findIndex((event) => event.at >= olderThan);
      const old = kept === -1 ? front : front.slice(0, kept);
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

  #queryFor({ customerId, machineId }: EventQuery): StoredQuery<EventRow> {
    if (machineId === undefined) {
      return customerId === undefined ? this.#readAll : this.#readOfCustomer;
    }
    return customerId === undefined ? this.#readOfMachine : this.#readOfBoth;
  }
}

function eventsAfter(db: Kysely<Schema>) {
  return db
    .selectFrom('events')
    .select(['id', 'at', 'body'])
    .where('id', '>', slot<number>('afterId'))
    .orderBy('id')
    .limit(slot<number>('limit'));
}
