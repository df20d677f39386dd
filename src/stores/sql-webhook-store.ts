import { sql, type RawBuilder, type Transaction } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import type { Delivery } from '#webhooks/delivery.ts';
import type {
  DeliveryQuery,
  DeliveryRetention,
  LeaseRequest,
  ProgressReport,
  WaitingQuery,
  WebhookChanges,
  WebhookLimits,
  WebhookStore,
} from '#webhooks/webhook-store.ts';
import type { Webhook, WebhookId } from '#webhooks/webhook.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';
import { ofKinds } from './sql-event-log.ts';
import {
  changesToRow,
  deliveryToRow,
  progressToRow,
  rowToDelivery,
  rowToWebhook,
  webhookToRow,
} from './webhook-row.ts';

/** Counts the changes. Whoever makes one holds its row, so that changes come one at a time. */
const VERSION = 'webhooks.version';
/** Rows of one INSERT: a statement may hold only so many values. */
const ROWS_AT_ONCE = 256;

export class SqlWebhookStore implements WebhookStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(webhook: Webhook, limits: WebhookLimits): Promise<void> {
    await this.#database.write(async (trx) => {
      await countChange(trx);
      await assertRoom(trx, webhook, limits);
      await trx.insertInto('webhooks').values(webhookToRow(webhook)).execute();
    });
  }

  async list(): Promise<readonly Webhook[]> {
    const rows = await this.#database.read((db) =>
      db.selectFrom('webhooks').selectAll().orderBy('registered_at').orderBy('id').execute(),
    );
    return rows.map(rowToWebhook);
  }

  async find(id: WebhookId): Promise<Webhook | undefined> {
    const row = await this.#database.read((db) =>
      db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && rowToWebhook(row);
  }

  async change(id: WebhookId, changes: WebhookChanges, atMs: number): Promise<Webhook | undefined> {
    return await this.#database.write(async (trx) => {
      await countChange(trx);
      await trx
        .updateTable('webhooks')
        .set(changesToRow(changes))
        .set({ updated_at: laterThanBefore(atMs) })
        .where('id', '=', id)
        .execute();
      const row = await trx
        .selectFrom('webhooks')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      return row && rowToWebhook(row);
    });
  }

  async remove(id: WebhookId): Promise<boolean> {
    return await this.#database.write(async (trx) => {
      await countChange(trx);
      await trx.deleteFrom('webhook_deliveries').where('webhook_id', '=', id).execute();
      const gone = await trx.deleteFrom('webhooks').where('id', '=', id).executeTakeFirst();
      return gone.numDeletedRows > 0n;
    });
  }

  async version(): Promise<number> {
    const row = await this.#database.read((db) =>
      db.selectFrom('settings').select('value').where('name', '=', VERSION).executeTakeFirst(),
    );
    return Number(row?.value ?? 0);
  }

  async lease({ holder, nowMs, forMs, formats }: LeaseRequest): Promise<ReadonlySet<WebhookId>> {
    if (formats.length === 0) return new Set();
    const rows = await this.#database.write(async (trx) => {
      await trx
        .updateTable('webhooks')
        .set({ leased_by: holder, leased_until: nowMs + forMs })
        .where('is_enabled', '=', 1)
        .where('format', 'in', formats)
        .where((eb) =>
          eb.or([
            eb('leased_by', 'is', null),
            eb('leased_by', '=', holder),
            eb('leased_until', '<=', nowMs),
            // No lease is that long: the clock was set back since it was taken.
            eb('leased_until', '>', nowMs + 10 * forMs),
          ]),
        )
        .execute();
      return await trx
        .selectFrom('webhooks')
        .select('id')
        .where('leased_by', '=', holder)
        .where('is_enabled', '=', 1)
        .where('format', 'in', formats)
        .execute();
    });
    return new Set(rows.map(({ id }) => id as WebhookId));
  }

  async release(holder: string): Promise<void> {
    await this.#database.write((trx) =>
      trx
        .updateTable('webhooks')
        .set({ leased_by: null, leased_until: 0 })
        .where('leased_by', '=', holder)
        .execute(),
    );
  }

  async record(
    holder: string,
    reports: readonly ProgressReport[],
    atMs: number,
  ): Promise<ReadonlySet<WebhookId>> {
    // Everybody goes through rows in the same order, so that no two wait for each other.
    const sorted = reports.toSorted((one, other) => (one.webhookId < other.webhookId ? -1 : 1));
    return await this.#database.write(async (trx) => {
      const lost = new Set<WebhookId>();
      if (sorted.some(({ disabledReason }) => disabledReason !== undefined)) await countChange(trx);
      for (const report of sorted) {
        if (!(await recordProgress(trx, holder, report))) lost.add(report.webhookId);
        else if (report.disabledReason !== undefined) await disable(trx, report, atMs);
      }
      const kept = sorted.filter(({ webhookId }) => !lost.has(webhookId));
      await putDeliveries(
        trx,
        kept.flatMap(({ deliveries }) => deliveries),
      );
      return lost;
    });
  }

  async recordDelivery(delivery: Delivery): Promise<void> {
    await this.#database.write(async (trx) => {
      const { webhookId } = delivery;
      const owner = await trx
        .selectFrom('webhooks')
        .select('id')
        .where('id', '=', webhookId)
        .executeTakeFirst();
      if (owner !== undefined) await putDeliveries(trx, [delivery]);
    });
  }

  async findDelivery(webhookId: WebhookId, eventId: number): Promise<Delivery | undefined> {
    const row = await this.#database.read((db) =>
      db
        .selectFrom('webhook_deliveries')
        .selectAll()
        .where('webhook_id', '=', webhookId)
        .where('event_id', '=', eventId)
        .executeTakeFirst(),
    );
    return row && rowToDelivery(row);
  }

  async listDeliveries(query: DeliveryQuery): Promise<readonly Delivery[]> {
    const { webhookId, states, beforeEventId, limit } = query;
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('webhook_deliveries')
        .selectAll()
        .where('webhook_id', '=', webhookId)
        .$if(states.length > 0, (some) => some.where('state', 'in', states))
        .$if(beforeEventId !== undefined, (some) => some.where('event_id', '<', beforeEventId ?? 0))
        .orderBy('event_id', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map(rowToDelivery);
  }

  async listPending(webhookId: WebhookId): Promise<readonly Delivery[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('webhook_deliveries')
        .selectAll()
        .where('webhook_id', '=', webhookId)
        .where('state', '=', 'pending')
        .orderBy('event_id')
        .execute(),
    );
    return rows.map(rowToDelivery);
  }

  async trimDeliveries(webhookId: WebhookId, retention: DeliveryRetention): Promise<number> {
    const { olderThan, most } = retention;
    return await this.#database.write(async (trx) => {
      const firstTooMany = await trx
        .selectFrom('webhook_deliveries')
        .select('event_id')
        .where('webhook_id', '=', webhookId)
        .orderBy('event_id', 'desc')
        .offset(most)
        .limit(1)
        .executeTakeFirst();
      const gone = await trx
        .deleteFrom('webhook_deliveries')
        .where('webhook_id', '=', webhookId)
        .where('state', '<>', 'pending')
        .where((eb) =>
          eb.or([
            eb('last_attempt_at', '<', olderThan),
            eb('event_id', '<=', firstTooMany?.event_id ?? 0),
          ]),
        )
        .executeTakeFirst();
      return Number(gone.numDeletedRows);
    });
  }

  async countWaiting({ afterId, kinds, customerId, most }: WaitingQuery): Promise<number> {
    const waiting = await this.#database.read((db) =>
      db
        .selectFrom((eb) =>
          eb
            .selectFrom('events')
            .select('id')
            .where('id', '>', afterId)
            .where((condition) => condition.and(ofKinds(kinds)))
            .$if(customerId !== undefined, (some) =>
              some.where('customer_id', '=', customerId ?? ''),
            )
            .limit(most)
            .as('waiting'),
        )
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    );
    return Number(waiting.count);
  }
}

/** Also takes the row that makes changes of webhooks wait for each other. */
async function countChange(trx: Transaction<Schema>): Promise<void> {
  const value = sql<string>`cast(cast(settings.value as bigint) + 1 as text)`;
  await trx
    .insertInto('settings')
    .values({ name: VERSION, value: '1' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** No two changes of a webhook are from the same instant, so none is taken for another. */
function laterThanBefore(atMs: number): RawBuilder<number> {
  return sql<number>`case when updated_at >= ${atMs} then updated_at + 1 else ${atMs} end`;
}

/** False when the lease is somebody else's. */
async function recordProgress(
  trx: Transaction<Schema>,
  holder: string,
  { webhookId, progress, updatedAt }: ProgressReport,
): Promise<boolean> {
  const row = progressToRow(progress);
  const ours = trx
    .updateTable('webhooks')
    .where('id', '=', webhookId)
    .where('leased_by', '=', holder);
  const whole = await ours.set(row).where('updated_at', '=', updatedAt).executeTakeFirst();
  if (whole.numUpdatedRows > 0n) return true;
  // Its owner has changed it meanwhile, and with that wiped its record of failures clean.
  const { position, delivered_at } = row;
  const part = await ours.set({ position, delivered_at }).executeTakeFirst();
  return part.numUpdatedRows > 0n;
}

async function disable(
  trx: Transaction<Schema>,
  { webhookId, updatedAt, disabledReason }: ProgressReport,
  atMs: number,
): Promise<void> {
  await trx
    .updateTable('webhooks')
    .set({ is_enabled: 0, disabled_reason: disabledReason ?? null })
    .set({ updated_at: laterThanBefore(atMs) })
    .where('id', '=', webhookId)
    .where('updated_at', '=', updatedAt)
    .execute();
}

async function putDeliveries(
  trx: Transaction<Schema>,
  deliveries: readonly Delivery[],
): Promise<void> {
  for (let at = 0; at < deliveries.length; at += ROWS_AT_ONCE) {
    const rows = deliveries.slice(at, at + ROWS_AT_ONCE).map(deliveryToRow);
    await trx
      .insertInto('webhook_deliveries')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['webhook_id', 'event_id']).doUpdateSet((eb) => ({
          event_type: eb.ref('excluded.event_type'),
          state: eb.ref('excluded.state'),
          attempts: eb.ref('excluded.attempts'),
          last_status: eb.ref('excluded.last_status'),
          last_error: eb.ref('excluded.last_error'),
          last_latency_ms: eb.ref('excluded.last_latency_ms'),
          answer_start: eb.ref('excluded.answer_start'),
          body_sha256: eb.ref('excluded.body_sha256'),
          body_bytes: eb.ref('excluded.body_bytes'),
          last_attempt_at: eb.ref('excluded.last_attempt_at'),
          next_attempt_at: eb.ref('excluded.next_attempt_at'),
        })),
      )
      .execute();
  }
}

async function assertRoom(
  trx: Transaction<Schema>,
  { customerId }: Webhook,
  { perOwner, inAll }: WebhookLimits,
): Promise<void> {
  const counts = await trx
    .selectFrom('webhooks')
    .select((eb) => ['customer_id', eb.fn.countAll<number>().as('count')] as const)
    .groupBy('customer_id')
    .execute();
  const total = counts.reduce((sum, { count }) => sum + Number(count), 0);
  const owned = counts.find(({ customer_id: id }) => id === (customerId ?? null));
  if (Number(owned?.count ?? 0) >= perOwner) {
    throw tooMany(`there are ${perOwner} webhooks already, the most one owner may have`, perOwner);
  }
  if (total >= inAll) throw tooMany(`the server holds ${inAll} webhooks and takes no more`, inAll);
}

function tooMany(message: string, limit: number): DroverError {
  return new DroverError('resource_exhausted', `${message}; delete one that is not needed`, {
    reason: 'TOO_MANY_WEBHOOKS',
    metadata: { limit: String(limit) },
  });
}
