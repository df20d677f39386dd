/**
 * Answers queries out of the store and the memory in front of it.
 *
 *   store: packs of earlier cuts → pending cuts → head        one leg of time after the other
 *
 * What memory holds is noted at the start, by reference: a cut that is sealed meanwhile is then
 * read from memory, and its packs, which are of a later cut than asked for, are not read.
 */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Labels } from '#metrics/labels.ts';
import type {
  MetricMetadata,
  MetricReader,
  SeriesFilter,
  SeriesPoints,
  SeriesSelection,
} from '#metrics/metric-reader.ts';
import { decodeChunk, readChunkHeader } from './chunk-decoder.ts';
import type { ChunkEncoder } from './chunk-encoder.ts';
import { unpackChunks } from './chunk-pack.ts';
import type { Head } from './head.ts';
import type { HistoryReport } from './history-report.ts';
import type { HistorySeries } from './history-series.ts';
import type { MetricStore, PackInfo } from './metric-store.ts';
import { Pacer } from './pacer.ts';
import { JoinedTimes, PointCollector } from './point-collector.ts';
import { chooseResolution, planLegs, type Leg, type TierState } from './tier-choice.ts';
import { RAW_MS, type Resolution } from './tiers.ts';

export interface HistoryReaderOptions {
  readonly head: Head;
  readonly store: MetricStore;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly report: HistoryReport;
  readonly tiers: () => TierState;
}

export class HistoryReader implements MetricReader {
  readonly #options: HistoryReaderOptions;

  constructor(options: HistoryReaderOptions) {
    this.#options = options;
  }

  async select(selection: SeriesSelection, signal: AbortSignal): Promise<readonly SeriesPoints[]> {
    signal.throwIfAborted();
    const { head, clock, tiers } = this.#options;
    const { fromMs, toMs, matchers, maxSeries } = selection;
    if (!(toMs >= fromMs)) return [];
    const found = head.index
      .find(matchers)
      .filter(({ endedAt }) => endedAt === undefined || endedAt >= fromMs);
    if (found.length > maxSeries) throw tooManySeriesError(found.length, maxSeries);
    const state = tiers();
    const resolution = chooseResolution(selection, state);
    const query = new Query(this.#options, { selection, found, resolution });
    const pacer = new Pacer(clock, signal);
    for (const leg of planLegs(selection, resolution, state)) {
      await query.readStore(leg, pacer);
    }
    await query.readMemory(pacer);
    return query.finish();
  }

  series({ matcherLists, fromMs, toMs, limit }: SeriesFilter): Promise<readonly Labels[]> {
    const { index } = this.#options.head;
    const lists = matcherLists.length === 0 ? [[]] : matcherLists;
    const found = new Set<HistorySeries>();
    for (const matchers of lists) {
      for (const series of index.find(matchers)) {
        if (found.size >= limit) break;
        if (series.createdAt <= toMs && (series.endedAt ?? Infinity) >= fromMs) found.add(series);
      }
    }
    return Promise.resolve([...found].map(({ fullLabels }) => fullLabels));
  }

  metadata(): Promise<readonly MetricMetadata[]> {
    return Promise.resolve(this.#options.head.metadata());
  }
}

interface QueryOptions {
  readonly selection: SeriesSelection;
  readonly found: readonly HistorySeries[];
  readonly resolution: Resolution;
}

/** One selection on its way. */
class Query {
  readonly #options: HistoryReaderOptions;
  readonly #selection: SeriesSelection;
  readonly #resolution: Resolution;
  readonly #collectors = new Map<number, PointCollector>();
  readonly #inMemory: { readonly seriesId: number; readonly chunk: ChunkEncoder }[] = [];
  readonly #ids: readonly number[];
  readonly #beforeCut: number;
  #points = 0;

  constructor(options: HistoryReaderOptions, { selection, found, resolution }: QueryOptions) {
    this.#options = options;
    this.#selection = selection;
    this.#resolution = resolution;
    const { fromMs, toMs, column } = selection;
    for (const series of found) {
      const collector = new PointCollector(series, { column, resolution });
      this.#collectors.set(series.id, collector);
    }
    this.#ids = found.map(({ id }) => id).toSorted((one, other) => one - other);
    const { pending } = options.head;
    this.#beforeCut = pending[0]?.number ?? Number.MAX_SAFE_INTEGER;
    for (const series of found) {
      const chunks = [...pending.flatMap((cut) => cut.chunks.get(series) ?? []), ...series.chunks];
      for (const chunk of chunks) {
        if (chunk.lastMs < fromMs || chunk.firstMs > toMs) continue;
        this.#inMemory.push({ seriesId: series.id, chunk });
      }
    }
  }

  async readStore(leg: Leg, pacer: Pacer): Promise<void> {
    const { store, hostId } = this.#options;
    const firstSeries = this.#ids[0];
    const lastSeries = this.#ids.at(-1);
    if (firstSeries === undefined || lastSeries === undefined) return;
    const range = { firstSeries, lastSeries, beforeCut: this.#beforeCut };
    for (const pack of await store.findPacks(hostId, { ...leg, ...range })) {
      if (!this.#isWanted(pack)) continue;
      const bytes = await store.readPack(hostId, pack);
      // It may have outlived its time meanwhile.
      if (bytes !== undefined) await this.#readPack({ pack, bytes, leg }, pacer);
      if (pacer.isDue) await pacer.pause();
    }
  }

  async readMemory(pacer: Pacer): Promise<void> {
    const { fromMs, toMs } = this.#selection;
    for (const { seriesId, chunk } of this.#inMemory) {
      this.#read(seriesId, chunk.toBytes(), { resolution: RAW_MS, fromMs, toMs });
      if (pacer.isDue) await pacer.pause();
    }
  }

  finish(): SeriesPoints[] {
    const series: SeriesPoints[] = [];
    const joined = new JoinedTimes();
    for (const collector of this.#collectors.values()) {
      const points = collector.finish(joined);
      if (points !== undefined) series.push(points);
    }
    return series;
  }

  #isWanted({ firstSeries, lastSeries }: PackInfo): boolean {
    const next = this.#ids.find((id) => id >= firstSeries);
    return next !== undefined && next <= lastSeries;
  }

  async #readPack(
    { pack, bytes, leg }: { pack: PackInfo; bytes: Uint8Array; leg: Leg },
    pacer: Pacer,
  ): Promise<void> {
    const { report } = this.#options;
    const where = `${pack.resolution}/${pack.cut}/${pack.part}`;
    let chunks;
    try {
      chunks = unpackChunks(bytes);
    } catch (thrown) {
      report.damaged('pack', where, thrown);
      return;
    }
    const isWhole =
      pack.resolution === this.#resolution && pack.firstMs >= leg.fromMs && pack.lastMs <= leg.toMs;
    for (const chunk of chunks) {
      if (!this.#collectors.has(chunk.seriesId)) continue;
      try {
        // What is needed as a whole is counted before it is decoded.
        if (isWhole) this.#checkPoints(readChunkHeader(chunk.bytes).count);
        this.#read(chunk.seriesId, chunk.bytes, leg);
      } catch (thrown) {
        if (!(thrown instanceof DroverError) || thrown.kind !== 'data_loss') throw thrown;
        report.damaged('chunk', `${where} series ${chunk.seriesId}`, thrown);
      }
      if (pacer.isDue) await pacer.pause();
    }
  }

  #read(seriesId: number, bytes: Uint8Array, leg: Leg): void {
    const collector = this.#collectors.get(seriesId);
    if (collector === undefined) return;
    const before = collector.count;
    collector.add(decodeChunk(bytes), leg.resolution, leg);
    this.#points += collector.count - before;
    this.#checkPoints(0);
  }

  #checkPoints(more: number): void {
    const { maxSamples } = this.#selection;
    const needed = this.#points + more;
    if (needed > maxSamples) throw tooManySamplesError(needed, maxSamples);
  }
}

function tooManySeriesError(found: number, most: number): DroverError {
  return new DroverError(
    'resource_exhausted',
    `the query selects ${found} series, ${found - most} more than the ${most} it may: add matchers`,
    {
      reason: 'TOO_MANY_SERIES',
      metadata: { limit: String(most), requested: String(found) },
    },
  );
}

function tooManySamplesError(needed: number, most: number): DroverError {
  return new DroverError(
    'resource_exhausted',
    `the query needs at least ${needed} samples, ${needed - most} more than the ${most} it may: ` +
      'ask for less time, fewer series or larger steps',
    {
      reason: 'TOO_MANY_SAMPLES',
      metadata: { limit: String(most), requested: String(needed) },
    },
  );
}
