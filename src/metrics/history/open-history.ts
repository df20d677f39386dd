import { mkdirSync } from 'node:fs';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { randomHex } from '#kernel/random.ts';
import { MIB, MINUTE_MS } from '#kernel/units.ts';
import type { Labels } from '#metrics/labels.ts';
import { Head } from './head.ts';
import { HistoryReader } from './history-reader.ts';
import { HistoryReport } from './history-report.ts';
import { History } from './history.ts';
import type { MetricStore } from './metric-store.ts';
import { Sealer } from './sealer.ts';
import { DEFAULT_RETENTION, type HistoryRetention } from './tiers.ts';
import { Upkeep } from './upkeep.ts';
import { replayLog } from './wal-replay.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

export interface HistoryOptions {
  /** For the write-ahead log; made when it is not there. */
  readonly directory: string;
  readonly store: MetricStore;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** Added to every series that has not these labels itself. */
  readonly commonLabels?: Labels;
  readonly retention?: HistoryRetention;
  /** Of all that are kept, also those that have ended. */
  readonly maxSeries?: number;
  /** How long a chunk is; cuts fall on multiples of it. */
  readonly cutEveryMs?: number;
  /** A head whose samples take more, compressed, is cut before its time. */
  readonly maxHeadBytes?: number;
}

const DEFAULT_MAX_SERIES = 20_000;
const DEFAULT_CUT_MS = 60 * MINUTE_MS;
const DEFAULT_HEAD_BYTES = 32 * MIB;
const EPOCH_BYTES = 8;
const OWNER_ONLY = 0o700;

/** Takes up where the last process left off, however that ended. */
export async function openHistory(options: HistoryOptions): Promise<History> {
  const { directory, store, hostId, clock, log, metrics } = options;
  await using stack = new AsyncDisposableStack();
  makeDirectory(directory);
  const report = new HistoryReport(log, metrics);
  const host = await store.openHost(hostId, randomHex(EPOCH_BYTES));
  const head = new Head({
    maxSeries: options.maxSeries ?? DEFAULT_MAX_SERIES,
    onRefused: (metric, reason) =>
      log.warn({ metric, reason }, 'series of a metric are not kept in history'),
  });
  const metadata = await restoreSeries(options, head);
  const replay = replayLog({ directory, host, head, report });
  const { lastFile } = replay;
  const wal = stack.use(new WriteAheadLog({ directory, ...host, clock, lastFile }));
  const common = { head, store, hostId, clock, report };
  const onSealed = (cut: number) => wal.removeThrough(cut);
  const sealer = stack.use(new Sealer({ ...common, onSealed }, metadata));
  const retention = options.retention ?? DEFAULT_RETENTION;
  const upkeep = new Upkeep({ ...common, retention }, host.rolledThroughMs);
  await upkeep.refresh();
  const reader = new HistoryReader({ ...common, tiers: () => upkeep.tiers });
  const { files, samples } = replay;
  log.info({ series: head.index.size, files, samples }, 'the metric history is open');
  const history = new History({
    ...{ clock, head, wal, sealer, upkeep, report, metrics, reader },
    commonLabels: options.commonLabels ?? {},
    cutEveryMs: options.cutEveryMs ?? DEFAULT_CUT_MS,
    maxHeadBytes: options.maxHeadBytes ?? DEFAULT_HEAD_BYTES,
  });
  stack.move();
  return history;
}

async function restoreSeries({ store, hostId }: HistoryOptions, head: Head) {
  for (const stored of await store.readSeries(hostId)) {
    const series = head.restore(stored);
    series.stored = stored;
    series.endedAt = stored.endedAt;
  }
  const metadata = await store.readMetadata(hostId);
  for (const each of metadata) head.learnMetadata(each);
  return metadata;
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY });
  } catch (thrown) {
    throw new DroverError('unavailable', `cannot make the directory ${directory} for metrics`, {
      reason: 'HISTORY_UNAVAILABLE',
      cause: thrown,
    });
  }
}
