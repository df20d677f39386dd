import type { Transaction } from 'kysely';
import type { DomainEvent } from '#events/event.ts';
import type { Dialect } from './dialects/dialect.ts';
import { insertGiven } from './given-rows.ts';
import type { Schema } from './schema.ts';

const COLUMNS = {
  ...({ at: 'number', kind: 'text', customer_id: 'text', machine_id: 'text' } as const),
  body: 'json',
} as const;

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
  const rows = events.map((event) => {
    const { kind, customerId = '', machineId = '' } = event;
    return [at, kind, customerId, machineId, JSON.stringify(event)];
  });
  await insertGiven(trx, dialect, 'events', { shape: COLUMNS, rows });
}
