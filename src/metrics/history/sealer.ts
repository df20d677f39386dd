/**
 * Puts pending cuts into the store, the oldest first.
 *
 *   begin (clears what an earlier attempt left) → packs and new series, a few at a time
 *     → finish: now it counts
 *
 * Killed before `finish`, the cut comes back from the write-ahead log; after it, the files of the
 * log up to the cut are of no more use, whether they are still there or not. So nothing is stored
 * twice and nothing is lost in between. While the store is away cuts wait in memory and in the
 * log, up to a number.
 */
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import type { HostId } from '#kernel/ids.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { MetricMetadata } from '#metrics/metric-reader.ts';
import { decodeChunk } from './chunk-decoder.ts';
import type { Cut, Head } from './head.ts';
import type { HistoryReport } from './history-report.ts';
import type { HistorySeries } from './history-series.ts';
import type { MetricStore, Pack, SeriesChanges, StoredSeries } from './metric-store.ts';
import { PackBuilder } from './pack-builder.ts';
import { Pacer } from './pacer.ts';
import { rollUpChunks } from './roll-up.ts';
import { MINUTE_TIER_MS, RAW_MS } from './tiers.ts';

/** A transaction of this size keeps a disk busy, and with SQLite the process, for moments only. */
const MOST_BATCH_BYTES = 1024 * 1024;
const MOST_BATCH_SERIES = 1000;
const FIRST_RETRY_MS = 5 * SECOND_MS;
const MOST_RETRY_MS = 5 * MINUTE_MS;
const MOST_PENDING_CUTS = 24;

export interface SealerOptions {
  readonly head: Head;
  readonly store: MetricStore;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly report: HistoryReport;
  /** The log up to this file is no longer needed. */
  readonly onSealed: (cut: number) => void;
}

export class Sealer implements AsyncDisposable {
  readonly #options: SealerOptions;
  readonly #queue = new SerialQueue();
  readonly #stopping = new AbortController();
  readonly #storedMetadata = new Map<string, MetricMetadata>();
  #failures = 0;
  #retry: Timer | undefined;

  constructor(options: SealerOptions, metadata: readonly MetricMetadata[]) {
    this.#options = options;
    for (const each of metadata) this.#storedMetadata.set(each.name, each);
  }

  /** Seals what is pending, in the background; again later if it fails. */
  start(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    void this.seal().catch(() => this.#planRetry());
  }

  /** Resolves when everything that is pending now is stored, rejects at the first failure. */
  async seal(): Promise<void> {
    this.#dropTooMany();
    await this.#queue.run(async () => {
      for (;;) {
        const [cut] = this.#options.head.pending;
        if (cut === undefined || this.#stopping.signal.aborted) return;
        await this.#sealOne(cut);
      }
    });
  }

  /**
   * Makes new series known to the store before a cut does, so that not each file of the log has to
   * tell who they are. `file` is the log's, and later than any cut. What fails is left to the cut.
   */
  async register(file: number): Promise<void> {
    const { head, store, hostId, clock, report } = this.#options;
    const pacer = new Pacer(clock, this.#stopping.signal);
    const unknown = [...head.index.all()].filter(({ stored }) => stored === undefined);
    try {
      await this.#queue.run(async () => {
        for (let at = 0; at < unknown.length; at += MOST_BATCH_SERIES) {
          const some = unknown.slice(at, at + MOST_BATCH_SERIES).flatMap(toNew);
          await store.addSeries(hostId, file, some);
          for (const stored of some) {
            const known = head.byId(stored.id);
            if (known !== undefined) known.stored = stored;
          }
          await pacer.pause();
        }
      });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      report.log.debug({ error }, 'new series of the metric history are stored later');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#retry?.cancel();
    await this.#queue.idle();
  }

  async #sealOne(cut: Cut): Promise<void> {
    const { head, report, onSealed } = this.#options;
    try {
      await this.#store(cut);
    } catch (thrown) {
      this.#failures += 1;
      if (!this.#stopping.signal.aborted) report.sealFailed(thrown, this.#failures === 1);
      throw thrown;
    }
    if (this.#failures > 0) report.log.info({ cut: cut.number }, 'metrics are stored again');
    this.#failures = 0;
    const at = head.pending.indexOf(cut);
    if (at !== -1) head.pending.splice(at, 1);
    onSealed(cut.number);
  }

  async #store(cut: Cut): Promise<void> {
    const { store, hostId, clock } = this.#options;
    const pacer = new Pacer(clock, this.#stopping.signal);
    const raw = new PackBuilder(RAW_MS, cut.number);
    const minutes = new PackBuilder(MINUTE_TIER_MS, cut.number);
    await store.beginCut(hostId, cut.number);
    const inOrder = [...cut.chunks].toSorted(([one], [other]) => one.id - other.id);
    for (const [series, chunks] of inOrder) {
      const decoded = chunks.map((chunk) => {
        const bytes = chunk.toBytes();
        raw.add(series.id, chunk, bytes);
        return decodeChunk(bytes);
      });
      for (const chunk of rollUpChunks(decoded, MINUTE_TIER_MS)) {
        minutes.add(series.id, chunk, chunk.toBytes());
      }
      if (pacer.isDue) await pacer.pause();
      if (raw.readyBytes + minutes.readyBytes >= MOST_BATCH_BYTES) {
        await this.#add([...raw.take(false), ...minutes.take(false)]);
      }
    }
    await this.#add([...raw.take(true), ...minutes.take(true)]);
    const { series, metadata } = this.#changes(cut);
    let at = 0;
    for (; series.length - at > MOST_BATCH_SERIES; at += MOST_BATCH_SERIES) {
      this.#stopping.signal.throwIfAborted();
      await store.addSeries(hostId, cut.number, series.slice(at, at + MOST_BATCH_SERIES));
      await pacer.pause();
    }
    await store.finishCut(hostId, cut.number, { series: series.slice(at), metadata });
    this.#note({ series, metadata });
  }

  async #add(packs: readonly Pack[]): Promise<void> {
    const { store, hostId } = this.#options;
    this.#stopping.signal.throwIfAborted();
    await store.addPacks(hostId, packs);
  }

  #changes(cut: Cut): SeriesChanges {
    const { head } = this.#options;
    const series: StoredSeries[] = [];
    for (const each of head.index.all()) {
      const { id, name, labels, createdAt, stored } = each;
      const endedAt = endOf(each, cut);
      if (stored === undefined || stored.endedAt !== endedAt) {
        series.push({ id, name, labels, createdAt, endedAt });
      }
    }
    const metadata = head.metadata().filter((each) => {
      const stored = this.#storedMetadata.get(each.name);
      return stored?.kind !== each.kind || stored.help !== each.help;
    });
    return { series, metadata };
  }

  #note({ series, metadata }: SeriesChanges): void {
    const { head } = this.#options;
    for (const each of series) {
      const known = head.byId(each.id);
      if (known === undefined) continue;
      known.stored = each;
      if (known.chunks.length > 0 || each.endedAt === undefined) continue;
      known.endedAt = each.endedAt;
      known.last = NaN;
    }
    for (const each of metadata) this.#storedMetadata.set(each.name, each);
  }

  #planRetry(): void {
    if (this.#stopping.signal.aborted) return;
    this.#retry?.cancel();
    const waitMs = backoffMs(this.#failures - 1, FIRST_RETRY_MS, MOST_RETRY_MS);
    this.#retry = this.#options.clock.after(waitMs, () => this.start());
  }

  #dropTooMany(): void {
    const { head, report } = this.#options;
    // The first of them may be on its way into the store, and stays.
    while (head.pending.length > MOST_PENDING_CUTS) {
      const [dropped] = head.pending.splice(1, 1);
      if (dropped === undefined) return;
      report.lost('unsealed', dropped.samples);
      report.log.error(
        { samples: dropped.samples, cut: dropped.number },
        'metrics could not be stored for too long; the oldest in memory are lost',
      );
    }
  }
}

/** One without a sample in a whole cut, and none since, has ended although nobody said so. */
function endOf(series: HistorySeries, cut: Cut): number | undefined {
  if (series.endedAt !== undefined) return series.endedAt;
  if (cut.chunks.has(series) || series.chunks.length > 0) return undefined;
  return series.stored?.endedAt ?? cut.newestMs;
}

/** As nobody has stored it yet; none when somebody has meanwhile. */
function toNew({ id, name, labels, createdAt, stored }: HistorySeries): StoredSeries[] {
  return stored === undefined ? [{ id, name, labels, createdAt, endedAt: undefined }] : [];
}
