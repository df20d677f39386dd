/**
 * The samples of the present, in memory: for each series the chunks since the last cut.
 *
 *   samples → [chunks of the head] → cut → [waiting to be sealed] → store
 *
 * A cut takes everything at once; until the store has it, it is read from here.
 */
import { labelsToText, seriesKey, type Labels } from '#metrics/labels.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { MetricMetadata } from '#metrics/metric-reader.ts';
import { ChunkEncoder } from './chunk-encoder.ts';
import { HistorySeries } from './history-series.ts';
import type { StoredSeries } from './metric-store.ts';
import { SeriesFinder } from './series-finder.ts';

/** A clock that keeps jumping back begins a chunk each time; there is an end to that. */
const MOST_CHUNKS_OF_SERIES = 32;
const MOST_KEY_CHARS = 4096;

/** What the head held at a cut. */
export interface Cut {
  /** Of the write-ahead log, everything up to this file is in this cut or in one before it. */
  readonly number: number;
  readonly chunks: ReadonlyMap<HistorySeries, readonly ChunkEncoder[]>;
  readonly samples: number;
  readonly newestMs: number;
}

export interface HeadOptions {
  readonly maxSeries: number;
  /** Told of each metric whose first series is refused, once. */
  readonly onRefused: (metric: string, reason: string) => void;
}

export class Head {
  readonly index = new SeriesFinder();
  /** Not yet in the store, the oldest first. */
  readonly pending: Cut[] = [];
  readonly #options: HeadOptions;
  readonly #byId = new Map<number, HistorySeries>();
  readonly #byKey = new Map<string, HistorySeries>();
  readonly #metadata = new Map<string, MetricMetadata>();
  readonly #refusedMetrics = new Set<string>();
  #nextId = 1;
  #samples = 0;
  #newestMs = NaN;
  #refusals = 0;
  #outOfOrder = 0;

  constructor(options: HeadOptions) {
    this.#options = options;
  }

  /** Since the last cut. */
  get samples(): number {
    return this.#samples;
  }

  /** NaN when there is none since the last cut. */
  get newestMs(): number {
    return this.#newestMs;
  }

  /** How often a series was turned away. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Samples dropped because time did not go on. */
  get outOfOrder(): number {
    return this.#outOfOrder;
  }

  /** About what the chunks take in memory. */
  get sizeBytes(): number {
    let bytes = 0;
    for (const series of this.index.all()) {
      for (const chunk of series.chunks) bytes += chunk.sizeBytes;
    }
    return bytes;
  }

  /** About what a cut would free for good: however many series there are, each has a chunk. */
  get closedBytes(): number {
    let bytes = 0;
    for (const series of this.index.all()) {
      for (const chunk of series.chunks) bytes += chunk.closedBytes;
    }
    return bytes;
  }

  metadata(): readonly MetricMetadata[] {
    return [...this.#metadata.values()];
  }

  metadataOf(name: string): MetricMetadata | undefined {
    return this.#metadata.get(name);
  }

  learnMetadata(metadata: MetricMetadata): void {
    this.#metadata.set(metadata.name, metadata);
  }

  byId(id: number): HistorySeries | undefined {
    return this.#byId.get(id);
  }

  /** As the store or the write-ahead log knows it. */
  restore(identity: Omit<StoredSeries, 'endedAt'>): HistorySeries {
    const known = this.#byId.get(identity.id);
    if (known !== undefined) return known;
    const series = new HistorySeries(identity);
    this.#byId.set(series.id, series);
    this.#byKey.set(series.key, series);
    this.index.add(series);
    this.#nextId = Math.max(this.#nextId, series.id + 1);
    return series;
  }

  /** The series of these labels, new if need be; undefined when there is no room for it. */
  declare(family: MetricFamily, labels: Labels, nowMs: number): HistorySeries | undefined {
    const { name, kind, help, scale } = family;
    let series = this.#byKey.get(seriesKey(name, labels));
    if (series === undefined) {
      const refusal = this.#reasonToRefuse(labels);
      if (refusal !== undefined) {
        this.#refuse(name, refusal);
        return undefined;
      }
      series = this.restore({ id: this.#nextId, name, labels, createdAt: nowMs });
    }
    series.scale = scale;
    const metadata = this.#metadata.get(name);
    if (metadata?.kind !== kind || metadata.help !== help) {
      this.learnMetadata({ name, kind, help });
    }
    return series;
  }

  forget(series: HistorySeries): void {
    this.#byId.delete(series.id);
    if (this.#byKey.get(series.key) === series) this.#byKey.delete(series.key);
    this.index.remove(series);
  }

  /** NaN says that the series is absent; the first one ends it, more say nothing new. */
  append(series: HistorySeries, atMs: number, value: number): void {
    if (Number.isNaN(value) && Number.isNaN(series.last)) return;
    const { chunks } = series;
    let chunk = chunks[chunks.length - 1];
    if (chunk === undefined || chunk.scale !== series.scale || !chunk.accepts(atMs)) {
      if (chunk?.lastMs === atMs || chunks.length >= MOST_CHUNKS_OF_SERIES) {
        this.#outOfOrder += 1;
        return;
      }
      chunk = new ChunkEncoder(series.scale);
      chunks.push(chunk);
    }
    chunk.push(atMs, value);
    series.last = value;
    series.endedAt = Number.isNaN(value) ? atMs : undefined;
    this.#samples += 1;
    if (!(atMs <= this.#newestMs)) this.#newestMs = atMs;
  }

  /** Everything so far waits to be sealed from now on. Undefined when there is nothing. */
  cut(number: number): Cut | undefined {
    if (this.#samples === 0) return undefined;
    const chunks = new Map<HistorySeries, readonly ChunkEncoder[]>();
    for (const series of this.index.all()) {
      if (series.chunks.length === 0) continue;
      chunks.set(series, series.chunks);
      series.chunks = [];
    }
    const cut = { number, chunks, samples: this.#samples, newestMs: this.#newestMs };
    this.#samples = 0;
    this.#newestMs = NaN;
    this.pending.push(cut);
    return cut;
  }

  #reasonToRefuse(labels: Labels): string | undefined {
    const { maxSeries } = this.#options;
    if (this.index.size >= maxSeries) return `history keeps at most ${maxSeries} series`;
    const chars = labelsToText(labels).length;
    if (chars > MOST_KEY_CHARS) return `its labels have more than ${MOST_KEY_CHARS} characters`;
    return undefined;
  }

  #refuse(metric: string, reason: string): void {
    this.#refusals += 1;
    if (this.#refusedMetrics.has(metric) || this.#refusedMetrics.size > 1000) return;
    this.#refusedMetrics.add(metric);
    this.#options.onRefused(metric, reason);
  }
}
