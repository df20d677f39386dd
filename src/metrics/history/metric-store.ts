/**
 * The port to where sealed samples are kept. A pack holds the chunks of some series over some
 * time. Everything belongs to one host, whose process alone writes it.
 */
import type { HostId } from '#kernel/ids.ts';
import type { Labels } from '#metrics/labels.ts';
import type { MetricMetadata } from '#metrics/metric-reader.ts';
import type { Resolution } from './tiers.ts';

export interface StoredSeries {
  /** Counts up within the host and is never used twice. */
  readonly id: number;
  readonly name: string;
  /** Without the name. */
  readonly labels: Labels;
  readonly createdAt: number;
  /** Undefined while samples come. */
  readonly endedAt: number | undefined;
}

/** What a pack is found by, and read by. */
export interface PackInfo {
  readonly resolution: Resolution;
  /** Packs of one cut were written together; later cuts have higher numbers. */
  readonly cut: number;
  readonly part: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly firstSeries: number;
  readonly lastSeries: number;
  readonly samples: number;
  readonly sizeBytes: number;
}

export interface Pack extends PackInfo {
  readonly bytes: Uint8Array;
}

export interface HostHistory {
  /** Names this store's history of the host: a write-ahead log of another one is not for it. */
  readonly epoch: string;
  /** The highest cut that is wholly stored; 0 at first. */
  readonly sealedThrough: number;
  /** Up to here the coarsest tier was made of the one before it; 0 at first. */
  readonly rolledThroughMs: number;
}

export interface PackQuery {
  readonly resolution: Resolution;
  readonly fromMs: number;
  readonly toMs: number;
  /** Only packs that can hold a series from the first of these to the last. */
  readonly firstSeries: number;
  readonly lastSeries: number;
  /** Only of cuts before this one. */
  readonly beforeCut: number;
}

export interface TierTotals {
  readonly resolution: Resolution;
  readonly packs: number;
  readonly samples: number;
  readonly sizeBytes: number;
  /** Infinity when there is nothing. */
  readonly oldestMs: number;
  /** -Infinity when there is nothing. */
  readonly newestMs: number;
}

export interface Removal {
  readonly resolution: Resolution;
  /** Only packs that end before this instant. */
  readonly beforeMs: number;
  /** How many at most; the oldest go first. */
  readonly limit: number;
}

export interface MetricStore {
  /** What is known of the host. Packs of a cut that was not finished are removed. */
  openHost(hostId: HostId, newEpoch: string): Promise<HostHistory>;
  readSeries(hostId: HostId): Promise<readonly StoredSeries[]>;
  readMetadata(hostId: HostId): Promise<readonly MetricMetadata[]>;

  /** Sealing is: begin, add some packs and series at a time, finish. Beginning again is anew. */
  beginCut(hostId: HostId, cut: number): Promise<void>;
  addPacks(hostId: HostId, packs: readonly Pack[]): Promise<void>;
  /** Of many new ones, a few at a time: without the cut they are known, and have no samples. */
  addSeries(hostId: HostId, cut: number, series: readonly StoredSeries[]): Promise<void>;
  /** With the series and metrics that are new or have changed: those known are replaced. */
  finishCut(hostId: HostId, cut: number, changes: SeriesChanges): Promise<void>;

  /** Adds packs and moves `rolledThroughMs` on, both or neither. Once only for each instant. */
  finishRollUp(hostId: HostId, throughMs: number, packs: readonly Pack[]): Promise<void>;

  /** In the order of their time. */
  findPacks(hostId: HostId, query: PackQuery): Promise<readonly PackInfo[]>;
  /** Undefined when it has been removed. */
  readPack(hostId: HostId, pack: PackInfo): Promise<Uint8Array | undefined>;
  totals(hostId: HostId): Promise<readonly TierTotals[]>;
  /** Answers how many were removed. */
  removePacks(hostId: HostId, removal: Removal): Promise<number>;
  removeSeries(hostId: HostId, ids: readonly number[]): Promise<void>;
}

export interface SeriesChanges {
  readonly series: readonly StoredSeries[];
  readonly metadata: readonly MetricMetadata[];
}
