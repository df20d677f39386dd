/**
 * Keeps every sample of this host, for as long as each tier says.
 *
 *   tick → head (memory) and write-ahead log → [each hour: cut] → sealed into the store → tiers
 *
 * A tick costs one write to the page cache. Whatever fails on the way, the disk, the store or
 * single samples, is counted and told, and never thrown into the tick.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { mergeLabels, type Labels } from '#metrics/labels.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { MetricReader } from '#metrics/metric-reader.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import type { Head } from './head.ts';
import type { HistoryReport } from './history-report.ts';
import type { HistorySeries } from './history-series.ts';
import type { TierTotals } from './metric-store.ts';
import { RowLog } from './row-log.ts';
import type { SampleRow, SeriesRef } from './sample-row.ts';
import type { Sealer } from './sealer.ts';
import type { Upkeep } from './upkeep.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';

const SYNC_MS = 5 * SECOND_MS;
const UPKEEP_MS = 5 * MINUTE_MS;
/** Even where the wall clock stands or was set back, a cut is made when its time is over. */
const OVERDUE = 1.25;
const SIZE_CHECK_TICKS = 60;
/** So many series are made known to the store before they have a cut there. */
const MANY_NEW = 2000;
const REGISTER_AFTER_MS = 30 * SECOND_MS;

export interface HistoryStats {
  readonly series: number;
  /** Waiting in memory. */
  readonly headSamples: number;
  readonly headBytes: number;
  readonly tiers: readonly TierTotals[];
  readonly damagedParts: number;
  readonly refusedSeries: number;
}

export interface HistoryParts {
  readonly clock: Clock;
  readonly head: Head;
  readonly wal: WriteAheadLog;
  readonly sealer: Sealer;
  readonly upkeep: Upkeep;
  readonly report: HistoryReport;
  readonly metrics: MetricsRegistry;
  readonly reader: MetricReader;
  readonly commonLabels: Labels;
  readonly cutEveryMs: number;
  readonly maxHeadBytes: number;
}

export class History implements AsyncDisposable {
  readonly reader: MetricReader;
  readonly #parts: HistoryParts;
  readonly #rowLog: RowLog;
  readonly #timers: readonly Timer[];
  readonly #gauges: Disposable;
  readonly #stopping = new AbortController();
  readonly #refs = new Map<LiveSeries, HistorySeries>();
  #listings = 0;
  #registerAtMs = Infinity;
  #upkeepRun: Promise<void> | undefined;
  #rows = 0;
  #ticks = 0;
  #cutWindow = NaN;
  #cutAtMs: number;
  #table: SampleTable | undefined;
  #membership = -1;
  #live: readonly LiveSeries[] = [];
  #row: SampleRow | undefined;
  #values = new Float64Array(0);

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.reader = parts.reader;
    this.#rowLog = new RowLog(parts);
    this.#cutAtMs = parts.clock.monotonicMs();
    this.#cutWindow = Math.floor(parts.head.newestMs / parts.cutEveryMs);
    this.#gauges = exposeStats(this, parts);
    this.#timers = [
      parts.clock.every(SYNC_MS, () => void this.#sync()),
      parts.clock.every(UPKEEP_MS, () => void this.upkeep()),
    ];
    if (parts.head.pending.length > 0) parts.sealer.start();
  }

  /** For the sampler: what a tick has measured. */
  append(tick: { readonly atMs: number }, table: SampleTable): void {
    if (table !== this.#table || table.membership !== this.#membership) {
      this.#readMembers(table, tick.atMs);
    }
    const live = this.#live;
    const values = this.#values;
    for (let at = 0; at < live.length; at += 1) values[at] = live[at]?.value ?? NaN;
    if (this.#row !== undefined) this.appendRow(this.#row, tick.atMs, values);
    this.#registerIfDue();
  }

  /** The series of these labels, to be used in rows; undefined when there is no room for it. */
  declare(family: MetricFamily, labels: Labels): SeriesRef | undefined {
    const { head, commonLabels, clock } = this.#parts;
    return head.declare(family, mergeLabels(commonLabels, labels), clock.nowMs());
  }

  /** Disposed of when no more rows come. */
  createRow(series: readonly SeriesRef[]): SampleRow {
    for (const each of series) each.pins += 1;
    this.#rows += 1;
    let isOpen = true;
    return {
      series,
      number: this.#rows,
      [Symbol.dispose]: () => {
        if (isOpen) for (const each of series) each.pins -= 1;
        isOpen = false;
      },
    };
  }

  /** Whole numbers at the scale of each series' metric, in the order of the row; NaN is absent. */
  appendRow(row: SampleRow, atMs: number, values: Float64Array): void {
    const { head } = this.#parts;
    if (!Number.isSafeInteger(atMs) || atMs < 0) throw new RangeError(`no instant: ${atMs}`);
    this.#cutIfDue(atMs);
    const before = head.outOfOrder;
    const { series } = row;
    for (let at = 0; at < series.length; at += 1) {
      const one = series[at];
      if (one !== undefined) head.append(one, atMs, values[at] ?? NaN);
    }
    if (head.outOfOrder > before) this.#parts.report.lost('out_of_order', head.outOfOrder - before);
    // What the log had no room for is safe sooner when it is sealed sooner.
    if (this.#rowLog.append(row, atMs, values)) this.#cut();
  }

  /** Puts on the disk what only the page cache has. */
  async flush(): Promise<void> {
    await this.#parts.wal.sync();
  }

  /** Cuts now and resolves once all of it is in the store. */
  async seal(): Promise<void> {
    const { wal, head, sealer, upkeep } = this.#parts;
    head.cut(wal.cut());
    await sealer.seal();
    await upkeep.refresh();
  }

  /** Runs by itself every few minutes; resolves when done, and tells of failures in the log. */
  upkeep(): Promise<void> {
    const { upkeep, report } = this.#parts;
    this.#upkeepRun ??= upkeep
      .run(this.#stopping.signal)
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        report.log.warn({ error }, 'old metrics cannot be tidied up at present');
      })
      .finally(() => {
        this.#upkeepRun = undefined;
      });
    return this.#upkeepRun;
  }

  stats(): HistoryStats {
    const { head, upkeep, report } = this.#parts;
    return {
      series: head.index.size,
      headSamples: head.samples + head.pending.reduce((sum, { samples }) => sum + samples, 0),
      headBytes: head.sizeBytes,
      tiers: upkeep.totals,
      damagedParts: report.damagedCount,
      refusedSeries: head.refusals,
    };
  }

  /** What is in memory stays in the write-ahead log, from which the next start takes it up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) timer.cancel();
    this.#gauges[Symbol.dispose]();
    await this.#upkeepRun;
    await this.#parts.sealer[Symbol.asyncDispose]();
    await this.#parts.wal[Symbol.asyncDispose]();
  }

  async #sync(): Promise<void> {
    try {
      await this.#parts.wal.sync();
    } catch (error) {
      this.#parts.report.log.warn({ error }, 'metrics could not be forced to the disk');
    }
  }

  #readMembers(table: SampleTable, atMs: number): void {
    const { head, commonLabels } = this.#parts;
    const live: LiveSeries[] = [];
    const series: HistorySeries[] = [];
    const refs = this.#refs;
    this.#listings += 1;
    let unstored = 0;
    for (const { members } of table.families()) {
      for (const member of members.values()) {
        let ref = refs.get(member);
        if (ref === undefined) {
          ref = head.declare(member.family, mergeLabels(commonLabels, member.labels), atMs);
          if (ref === undefined) continue;
          refs.set(member, ref);
        }
        if (ref.stored === undefined) unstored += 1;
        ref.listing = this.#listings;
        live.push(member);
        series.push(ref);
      }
    }
    if (unstored >= MANY_NEW) {
      const { clock } = this.#parts;
      this.#registerAtMs = Math.min(this.#registerAtMs, clock.monotonicMs() + REGISTER_AFTER_MS);
    }
    this.#endThoseGone(atMs);
    if (refs.size > live.length) this.#keepRefs(live, series);
    this.#row?.[Symbol.dispose]();
    this.#row = this.createRow(series);
    this.#live = live;
    this.#values = new Float64Array(series.length);
    this.#table = table;
    this.#membership = table.membership;
  }

  #keepRefs(live: readonly LiveSeries[], series: readonly HistorySeries[]): void {
    this.#refs.clear();
    for (const [at, member] of live.entries()) {
      const ref = series[at];
      if (ref !== undefined) this.#refs.set(member, ref);
    }
  }

  /** A series leaves the table long after its last sample, but it may be another table. */
  #endThoseGone(atMs: number): void {
    const { head } = this.#parts;
    for (const series of this.#row?.series ?? []) {
      if (series.listing !== this.#listings) head.append(series, atMs, NaN);
    }
  }

  #cutIfDue(atMs: number): void {
    const { head, cutEveryMs, clock, maxHeadBytes } = this.#parts;
    const window = Math.floor(atMs / cutEveryMs);
    if (head.samples === 0) {
      this.#cutWindow = window;
      this.#cutAtMs = clock.monotonicMs();
      return;
    }
    this.#ticks += 1;
    const isOverdue = clock.monotonicMs() - this.#cutAtMs > cutEveryMs * OVERDUE;
    const isLarge = this.#ticks % SIZE_CHECK_TICKS === 0 && head.closedBytes > maxHeadBytes;
    if (window <= this.#cutWindow && !isOverdue && !isLarge) return;
    this.#cutWindow = window;
    this.#cut();
  }

  /** Each file of the log tells who they are until the store knows them, which takes its time. */
  #registerIfDue(): void {
    const { wal, sealer, clock } = this.#parts;
    if (clock.monotonicMs() < this.#registerAtMs) return;
    this.#registerAtMs = Infinity;
    void sealer.register(wal.number);
  }

  #cut(): void {
    const { wal, head, sealer, clock } = this.#parts;
    head.cut(wal.cut());
    this.#cutAtMs = clock.monotonicMs();
    sealer.start();
  }
}

function exposeStats(history: History, { metrics }: HistoryParts): Disposable {
  const series = metrics.gauge({
    name: 'drover_history_series',
    help: 'Series that the metric history knows.',
  });
  const refused = metrics.gauge({
    name: 'drover_history_refused_series',
    help: 'How often a series was turned away because the history is full.',
  });
  const bytes = metrics.gauge({
    name: 'drover_history_stored_bytes',
    help: 'Size of the stored samples by milliseconds per point; 0 is every sample.',
    labels: ['resolution_ms'],
  });
  return metrics.onCollect(() => {
    const stats = history.stats();
    series.set({}, stats.series);
    refused.set({}, stats.refusedSeries);
    for (const { resolution, sizeBytes } of stats.tiers) {
      bytes.set({ resolution_ms: String(resolution) }, sizeBytes);
    }
  });
}
