/** A history on a store and a directory of its own, and ticks to fill it with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { HostId } from '#kernel/ids.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { History } from '#metrics/history/history.ts';
import type { MetricStore } from '#metrics/history/metric-store.ts';
import { openHistory, type HistoryOptions } from '#metrics/history/open-history.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { SeriesPoints, SeriesSelection } from '#metrics/metric-reader.ts';
import { SampleTable, type LiveSeries } from '#metrics/sample-table.ts';
import type { Database } from '#stores/database.ts';
import { openDatabase } from '#stores/open-database.ts';
import { SqlMetricStore } from '#stores/sql-metric-store.ts';
import { createLogCapture, type LogCapture } from '#test/log-capture.ts';

export const HISTORY_HOST = 'host-1' as HostId;
export const NEVER = new AbortController().signal;
export const START_MS = Date.UTC(2026, 0, 1);

export const GAUGE: MetricFamily = {
  name: 'test_gauge',
  help: 'A gauge.',
  kind: 'gauge',
  scale: 2,
};
export const COUNTER: MetricFamily = {
  name: 'test_total',
  help: 'A counter.',
  kind: 'counter',
  scale: 0,
};

export class HistoryPlace implements AsyncDisposable {
  readonly directory: string;
  readonly clock = new FakeClock(START_MS);
  readonly capture: LogCapture = createLogCapture();
  readonly database: Database;
  readonly store: SqlMetricStore;
  metrics = new MetricsRegistry();

  private constructor(directory: string, database: Database) {
    this.directory = directory;
    this.database = database;
    this.store = new SqlMetricStore(database);
  }

  static async create(): Promise<HistoryPlace> {
    return await HistoryPlace.at(await mkdtemp(join(tmpdir(), 'drover-history-')));
  }

  /** Disposing of it removes the directory. */
  static async at(directory: string): Promise<HistoryPlace> {
    const database = await openDatabase({ url: `sqlite:${join(directory, 'drover.db')}` });
    return new HistoryPlace(directory, database);
  }

  get walDirectory(): string {
    return join(this.directory, 'metrics');
  }

  async open(
    options: Partial<HistoryOptions> & { readonly store?: MetricStore } = {},
  ): Promise<History> {
    this.metrics = new MetricsRegistry();
    return await openHistory({
      directory: this.walDirectory,
      store: this.store,
      hostId: HISTORY_HOST,
      clock: this.clock,
      log: this.capture.log,
      metrics: this.metrics,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true });
  }
}

/** A table of one gauge and one counter for each name, filled by `tick`. */
export class TestTicks {
  readonly table = new SampleTable();
  readonly #gauges: readonly LiveSeries[];
  readonly #counters: readonly LiveSeries[];

  constructor(names: readonly string[] = ['a', 'b', 'c']) {
    const gauges = this.table.family(GAUGE);
    const counters = this.table.family(COUNTER);
    this.#gauges = names.map((name) => gauges.series({ name }));
    this.#counters = names.map((name) => counters.series({ name }));
  }

  /** The samples follow from the instant, so that a test can tell what they must be. */
  tick(history: History, atMs: number, absent: readonly number[] = []): void {
    this.#gauges.forEach((series, at) => {
      if (!absent.includes(at)) series.set(gaugeAt(atMs, at));
    });
    this.#counters.forEach((series, at) => {
      if (!absent.includes(at)) series.set(counterAt(atMs, at));
    });
    this.table.endTick();
    history.append({ atMs }, this.table);
  }
}

/** In hundredths. */
export function gaugeAt(atMs: number, series: number): number {
  return series === 2 ? 4200 : ((atMs / 500) * (series + 7) * 7919) % 10_007;
}

export function counterAt(atMs: number, series: number): number {
  return Math.floor((atMs / 1000) * (series + 1) * 13.7);
}

export function selectionOf(choices: Partial<SeriesSelection> = {}): SeriesSelection {
  return {
    matchers: [],
    fromMs: 0,
    toMs: START_MS * 2,
    stepMs: 0,
    column: 'last',
    maxSeries: 1000,
    maxSamples: 10_000_000,
    ...choices,
  };
}

export async function selectAll(
  history: History,
  choices: Partial<SeriesSelection> = {},
): Promise<readonly SeriesPoints[]> {
  return await history.reader.select(selectionOf(choices), NEVER);
}

/** Of the gauge or counter with this label. */
export async function selectOne(
  history: History,
  name: string,
  choices: Partial<SeriesSelection> & { readonly family?: MetricFamily } = {},
): Promise<SeriesPoints | undefined> {
  const { family = GAUGE, ...rest } = choices;
  const [points] = await selectAll(history, {
    matchers: [
      { label: '__name__', operator: '=', value: family.name },
      { label: 'name', operator: '=', value: name },
    ],
    ...rest,
  });
  return points;
}
