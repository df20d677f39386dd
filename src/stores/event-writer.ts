import type { Transaction } from 'kysely';
import type { DomainEvent } from '#events/event.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Schema } from './schema.ts';

/**
 * Writes events as the last act of a transaction. The lock, held to the end of the commit, makes
 * the order of ids the order of commits: who has seen event N can trust that no smaller id will
 * appear later. It is taken last so that it is held for as short as can be.
 */
export async function appendEvents(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { at, events }: { readonly at: number; readonly events: readonly DomainEvent[] },
): Promise<void> {
  if (events.length === 0) return;
  await dialect.takeLock(trx, 'events');
  const rows = events.map((event) => ({
    at,
    kind: event.kind,
    customer_id: event.customerId ?? '',
    machine_id: event.machineId ?? '',
    body: JSON.stringify(event),
  }));
  await trx.insertInto('events').values(rows).execute();
}
