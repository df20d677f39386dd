/**
 * The intent rows. A transaction that needs a machine and its intents locks the machine first.
 * An intent ends once: whatever would end it again finds it done and leaves it.
 */
import type { Kysely, Transaction } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import type { HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { IntentOutcome, MachineIntent } from '#machines/machine-intent.ts';
import { endedColumns, newIntentToRow, rowToIntent, type IntentRow } from './intent-row.ts';
import type { Schema } from './schema.ts';
import { slot, StoredQuery } from './stored-query.ts';

export class MachineIntents {
  readonly #byId: StoredQuery<IntentRow>;
  readonly #pendingOfHost: StoredQuery<IntentRow>;
  readonly #pendingOfMachine: StoredQuery<IntentRow>;

  constructor(db: Kysely<Schema>) {
    const intents = db.selectFrom('machine_intents').selectAll();
    const pending = intents.where('ended_at', 'is', null).orderBy('sequence');
    this.#byId = new StoredQuery(intents.where('id', '=', slot<string>('id')));
    this.#pendingOfHost = new StoredQuery(
      pending.where('host_id', '=', slot<string>('hostId')).limit(slot<number>('limit')),
    );
    this.#pendingOfMachine = new StoredQuery(
      pending.where('machine_id', '=', slot<string>('machineId')),
    );
  }

  async get(db: Kysely<Schema>, id: IntentId): Promise<MachineIntent | undefined> {
    const [row] = await this.#byId.run(db, { id });
    return row && rowToIntent(row);
  }

  async pendingOfHost(
    db: Kysely<Schema>,
    hostId: HostId,
    limit: number,
  ): Promise<readonly MachineIntent[]> {
    return (await this.#pendingOfHost.run(db, { hostId, limit })).map(rowToIntent);
  }

  async pendingOfMachine(
    db: Kysely<Schema>,
    machineId: MachineId,
  ): Promise<readonly MachineIntent[]> {
    return (await this.#pendingOfMachine.run(db, { machineId })).map(rowToIntent);
  }
}

/** The machine is locked by now, so that two callers cannot both take the last place. */
export async function addIntent(
  trx: Transaction<Schema>,
  intent: MachineIntent,
  mostPending: number,
): Promise<void> {
  const { pending } = await trx
    .selectFrom('machine_intents')
    .select((eb) => eb.fn.countAll<number>().as('pending'))
    .where('machine_id', '=', intent.machineId)
    .where('ended_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (pending >= mostPending) throw tooManyPendingError(intent.machineId, mostPending);
  await trx.insertInto('machine_intents').values(newIntentToRow(intent)).execute();
}

export async function startIntent(
  trx: Transaction<Schema>,
  id: IntentId,
  startedAt: number,
): Promise<boolean> {
  await trx
    .updateTable('machine_intents')
    .set({ status: 'running', started_at: startedAt })
    .where('id', '=', id)
    .where('status', '=', 'queued')
    .execute();
  const row = await trx
    .selectFrom('machine_intents')
    .select('status')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.status === 'running';
}

export async function cancelIntent(
  trx: Transaction<Schema>,
  id: IntentId,
  { at, outcome }: { readonly at: number; readonly outcome: IntentOutcome },
): Promise<void> {
  await trx
    .updateTable('machine_intents')
    .set(endedColumns(outcome, at))
    .where('id', '=', id)
    .where('status', '=', 'queued')
    .execute();
  await trx
    .updateTable('machine_intents')
    .set({ is_cancel_requested: 1 })
    .where('id', '=', id)
    .where('status', '=', 'running')
    .execute();
}

/** Says how many it ended; those that had ended before keep their outcome. */
export async function endIntents(
  trx: Transaction<Schema>,
  ids: readonly IntentId[],
  { at, outcome }: { readonly at: number; readonly outcome: IntentOutcome },
): Promise<number> {
  if (ids.length === 0) return 0;
  const { numUpdatedRows } = await trx
    .updateTable('machine_intents')
    .set(endedColumns(outcome, at))
    .where('id', 'in', ids)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** What a machine's other commands get when it is gone. */
export async function endRemaining(
  trx: Transaction<Schema>,
  machineId: MachineId,
  at: number,
): Promise<void> {
  const { kind, message, reason, metadata } = machineGoneError(machineId);
  const outcome: IntentOutcome = { kind: 'failed', error: { kind, message, reason, metadata } };
  await trx
    .updateTable('machine_intents')
    .set(endedColumns(outcome, at))
    .where('machine_id', '=', machineId)
    .where('ended_at', 'is', null)
    .execute();
}

export async function pruneIntents(
  trx: Transaction<Schema>,
  olderThan: number,
  limit: number,
): Promise<number> {
  const old = trx
    .selectFrom('machine_intents')
    .select('sequence')
    .where('ended_at', '<', olderThan)
    .orderBy('ended_at')
    .limit(limit);
  const { numDeletedRows } = await trx
    .deleteFrom('machine_intents')
    .where('sequence', 'in', old)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

export function machineGoneError(machineId: MachineId): DroverError {
  return new DroverError('not_found', `VM ${machineId} not found: it has been deleted`, {
    reason: 'VM_NOT_FOUND',
    metadata: { vm_id: machineId },
  });
}

function tooManyPendingError(machineId: MachineId, mostPending: number): DroverError {
  return new DroverError(
    'resource_exhausted',
    `VM ${machineId} has ${mostPending} commands waiting already; wait until some have ended`,
    { reason: 'TOO_MANY_PENDING_COMMANDS', metadata: { limit: String(mostPending) } },
  );
}
