import { sql, type Transaction } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type {
  HostHistory,
  MetricStore,
  Pack,
  PackInfo,
  PackQuery,
  Removal,
  SeriesChanges,
  StoredSeries,
  TierTotals,
} from '#metrics/history/metric-store.ts';
import { QUARTER_TIER_MS, RESOLUTIONS, type Resolution } from '#metrics/history/tiers.ts';
import type { Labels } from '#metrics/labels.ts';
import type { MetricKind } from '#metrics/metric-family.ts';
import type { MetricMetadata } from '#metrics/metric-reader.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** Neither database takes more parameters in one statement than this many rows need. */
const ROWS_PER_INSERT = 500;

export class SqlMetricStore implements MetricStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async openHost(hostId: HostId, newEpoch: string): Promise<HostHistory> {
    return await this.#database.write(async (trx) => {
      await trx
        .insertInto('metric_hosts')
        .values({ host_id: hostId, epoch: newEpoch, sealed_through: 0, rolled_through: 0 })
        .onConflict((conflict) => conflict.column('host_id').doNothing())
        .execute();
      const row = await trx
        .selectFrom('metric_hosts')
        .selectAll()
        .where('host_id', '=', hostId)
        .executeTakeFirstOrThrow();
      await sealedPacks(trx, hostId).where('cut', '>', row.sealed_through).execute();
      return {
        epoch: row.epoch,
        sealedThrough: row.sealed_through,
        rolledThroughMs: row.rolled_through,
      };
    });
  }

  async readSeries(hostId: HostId): Promise<readonly StoredSeries[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('metric_series')
        .select(['id', 'name', 'labels', 'created_at', 'ended_at'])
        .where('host_id', '=', hostId)
        .orderBy('id')
        .execute(),
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      labels: JSON.parse(row.labels) as Labels,
      createdAt: row.created_at,
      endedAt: row.ended_at ?? undefined,
    }));
  }

  async readMetadata(hostId: HostId): Promise<readonly MetricMetadata[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('metric_families')
        .select(['name', 'kind', 'help'])
        .where('host_id', '=', hostId)
        .orderBy('name')
        .execute(),
    );
    return rows.map(({ name, kind, help }) => ({ name, help, kind: kind as MetricKind }));
  }

  async beginCut(hostId: HostId, cut: number): Promise<void> {
    await this.#database.write(async (trx) => {
      await sealedPacks(trx, hostId).where('cut', '=', cut).execute();
    });
  }

  async addPacks(hostId: HostId, packs: readonly Pack[]): Promise<void> {
    await this.#database.write((trx) => insertPacks(trx, hostId, packs));
  }

  async addSeries(hostId: HostId, cut: number, series: readonly StoredSeries[]): Promise<void> {
    await this.#database.write(async (trx) => {
      const row = await trx
        .selectFrom('metric_hosts')
        .select('sealed_through')
        .where('host_id', '=', hostId)
        .executeTakeFirst();
      if (row === undefined || row.sealed_through >= cut) throw takenOverError();
      await saveSeries(trx, hostId, series);
    });
  }

  async finishCut(hostId: HostId, cut: number, changes: SeriesChanges): Promise<void> {
    await this.#database.write(async (trx) => {
      await saveSeries(trx, hostId, changes.series);
      await saveMetadata(trx, hostId, changes.metadata);
      const { numUpdatedRows } = await trx
        .updateTable('metric_hosts')
        .set({ sealed_through: cut })
        .where('host_id', '=', hostId)
        .where('sealed_through', '<', cut)
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) throw takenOverError();
    });
  }

  async finishRollUp(hostId: HostId, throughMs: number, packs: readonly Pack[]): Promise<void> {
    await this.#database.write(async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('metric_hosts')
        .set({ rolled_through: throughMs })
        .where('host_id', '=', hostId)
        .where('rolled_through', '<', throughMs)
        .executeTakeFirst();
      if (numUpdatedRows === 1n) await insertPacks(trx, hostId, packs);
    });
  }

  async findPacks(hostId: HostId, query: PackQuery): Promise<readonly PackInfo[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('metric_packs')
        .select(['resolution_ms', 'cut', 'part', 'first_ms', 'last_ms'])
        .select(['first_series', 'last_series', 'samples', 'size_bytes'])
        .where('host_id', '=', hostId)
        .where('resolution_ms', '=', query.resolution)
        .where('last_ms', '>=', toWhole(query.fromMs))
        .where('first_ms', '<=', toWhole(query.toMs))
        .where('last_series', '>=', query.firstSeries)
        .where('first_series', '<=', query.lastSeries)
        .where('cut', '<', query.beforeCut)
        .orderBy('first_ms')
        .orderBy('cut')
        .orderBy('part')
        .execute(),
    );
    return rows.map((row) => ({
      resolution: query.resolution,
      cut: row.cut,
      part: row.part,
      firstMs: row.first_ms,
      lastMs: row.last_ms,
      firstSeries: row.first_series,
      lastSeries: row.last_series,
      samples: row.samples,
      sizeBytes: row.size_bytes,
    }));
  }

  async readPack(hostId: HostId, pack: PackInfo): Promise<Uint8Array | undefined> {
    const row = await this.#database.read((db) =>
      db
        .selectFrom('metric_packs')
        .select('bytes')
        .where('host_id', '=', hostId)
        .where('resolution_ms', '=', pack.resolution)
        .where('cut', '=', pack.cut)
        .where('part', '=', pack.part)
        .executeTakeFirst(),
    );
    return row?.bytes;
  }

  async totals(hostId: HostId): Promise<readonly TierTotals[]> {
    const rows = await this.#database.read((db) =>
      db
        .selectFrom('metric_packs')
        .select((eb) => [
          'resolution_ms',
          eb.fn.countAll<number>().as('packs'),
          eb.fn.sum<number>('samples').as('samples'),
          eb.fn.sum<number>('size_bytes').as('size_bytes'),
          eb.fn.min('first_ms').as('oldest_ms'),
          eb.fn.max('last_ms').as('newest_ms'),
        ])
        .where('host_id', '=', hostId)
        .groupBy('resolution_ms')
        .execute(),
    );
    return RESOLUTIONS.map((resolution) => {
      const row = rows.find((each) => each.resolution_ms === resolution);
      return {
        resolution,
        packs: row?.packs ?? 0,
        samples: row?.samples ?? 0,
        sizeBytes: row?.size_bytes ?? 0,
        oldestMs: row?.oldest_ms ?? Infinity,
        newestMs: row?.newest_ms ?? -Infinity,
      };
    });
  }

  async removePacks(hostId: HostId, removal: Removal): Promise<number> {
    return await this.#database.write(async (trx) => {
      const oldest = await trx
        .selectFrom('metric_packs')
        .select(['cut', 'part'])
        .where('host_id', '=', hostId)
        .where('resolution_ms', '=', removal.resolution)
        .where('last_ms', '<', toWhole(removal.beforeMs))
        .orderBy('last_ms')
        .limit(removal.limit)
        .execute();
      for (const { cut, part } of oldest) {
        await trx
          .deleteFrom('metric_packs')
          .where('host_id', '=', hostId)
          .where('resolution_ms', '=', removal.resolution)
          .where('cut', '=', cut)
          .where('part', '=', part)
          .execute();
      }
      return oldest.length;
    });
  }

  async removeSeries(hostId: HostId, ids: readonly number[]): Promise<void> {
    for (const some of inBatches(ids)) {
      await this.#database.write(async (trx) => {
        await trx
          .deleteFrom('metric_series')
          .where('host_id', '=', hostId)
          .where('id', 'in', some)
          .execute();
      });
    }
  }
}

/** Those that come out of sealing; the others are made of them and never half there. */
function sealedPacks(trx: Transaction<Schema>, hostId: HostId) {
  return trx
    .deleteFrom('metric_packs')
    .where('host_id', '=', hostId)
    .where('resolution_ms', '<', QUARTER_TIER_MS satisfies Resolution);
}

async function insertPacks(
  trx: Transaction<Schema>,
  hostId: HostId,
  packs: readonly Pack[],
): Promise<void> {
  for (const pack of packs) {
    const row = {
      host_id: hostId,
      resolution_ms: pack.resolution,
      cut: pack.cut,
      part: pack.part,
      first_ms: pack.firstMs,
      last_ms: pack.lastMs,
      first_series: pack.firstSeries,
      last_series: pack.lastSeries,
      samples: pack.samples,
      size_bytes: pack.bytes.length,
      bytes: pack.bytes,
    };
    await trx.insertInto('metric_packs').values(row).execute();
  }
}

async function saveSeries(
  trx: Transaction<Schema>,
  hostId: HostId,
  series: readonly StoredSeries[],
): Promise<void> {
  for (const some of inBatches(series)) {
    const rows = some.map(({ id, name, labels, createdAt, endedAt }) => ({
      host_id: hostId,
      id,
      name,
      labels: JSON.stringify(labels),
      created_at: createdAt,
      ended_at: endedAt ?? null,
    }));
    await trx
      .insertInto('metric_series')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['host_id', 'id']).doUpdateSet({ ended_at: sql.ref('excluded.ended_at') }),
      )
      .execute();
  }
}

async function saveMetadata(
  trx: Transaction<Schema>,
  hostId: HostId,
  metadata: readonly MetricMetadata[],
): Promise<void> {
  for (const some of inBatches(metadata)) {
    const rows = some.map(({ name, kind, help }) => ({ host_id: hostId, name, kind, help }));
    await trx
      .insertInto('metric_families')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['host_id', 'name']).doUpdateSet({
          kind: sql.ref('excluded.kind'),
          help: sql.ref('excluded.help'),
        }),
      )
      .execute();
  }
}

function inBatches<T>(all: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < all.length; at += ROWS_PER_INSERT) {
    batches.push(all.slice(at, at + ROWS_PER_INSERT));
  }
  return batches;
}

/** Callers may well say Infinity, which no column can be compared with. */
function toWhole(ms: number): number {
  const most = Number.MAX_SAFE_INTEGER;
  return Math.min(most, Math.max(-most, Math.floor(ms)));
}

function takenOverError(): DroverError {
  return new DroverError(
    'failed_precondition',
    'another process has stored metrics of this host meanwhile: give each process a host id of ' +
      'its own',
    { reason: 'HISTORY_TAKEN_OVER' },
  );
}
