/**
 * The metric history beside Prometheus' own storage.
 *
 *   history/bytes   bytes on disk for each sample, of real samples of this host at 1 s: growth of
 *                   the SQLite file with all rows, indexes and rolled-up tiers, beside chunks and
 *                   index of blocks that promtool makes of the very same samples
 *   history/ingest  samples a second into memory and write-ahead log, on one core: the recorded
 *                   ones, beside `promtool tsdb bench write` of as many series and ticks
 *   history/range   100 series over 24 h at 1 s: a range query, in milliseconds until the answer is
 *                   JSON, beside /api/v1/query_range of a Prometheus that was sent the same samples
 *
 * Samples are recorded from a node exporter for ten minutes; a minute when it has to be quick.
 * DROVER_BENCH_SECONDS says otherwise, and DROVER_BENCH_RECORDING names a file that an earlier run
 * has left there, or is to leave. An hour is 3600 s of recording: nothing is ever repeated to
 * make one. For the range query alone, where only time counts, the samples are made up.
 */
import { existsSync, readdirSync, statSync, createWriteStream } from 'node:fs';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { systemClock } from '#kernel/clock.ts';
import type { HostId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { History } from '#metrics/history/history.ts';
import { openHistory } from '#metrics/history/open-history.ts';
import { sampleToNumber } from '#metrics/metric-family.ts';
import { labelsToText, createLabels, mergeLabels } from '#metrics/labels.ts';
import { createPromql } from '#metrics/promql/promql.ts';
import { openDatabase } from '#stores/open-database.ts';
import { SqlMetricStore } from '#stores/sql-metric-store.ts';
import { loadSeries } from '#test/prometheus-loader.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { measureInTurn } from './pair.ts';
import { readRecording, recordSamples, type Recording } from './sample-recording.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const execFileAsync = promisify(execFile);
const COMMON_LABELS = { instance: 'localhost:9100', job: 'node' };
const NEVER = new AbortController().signal;

export const history: Benchmark = {
  name: 'history',
  summary: 'size, ingest and range queries of the metric history, beside Prometheus',
  async *run(options) {
    await using scratch = await openScratchDirectory();
    const recording = await openRecording(scratch.path, options);
    yield await compareBytes(scratch.path, recording, options);
    yield await compareIngest(scratch.path, recording, options);
    yield* compareRanges(options);
  },
};

async function openRecording(
  directory: string,
  { isQuick, progress }: BenchmarkOptions,
): Promise<Recording> {
  const file = process.env['DROVER_BENCH_RECORDING'] ?? join(directory, 'recording.txt');
  if (!existsSync(file)) {
    const seconds = Number(process.env['DROVER_BENCH_SECONDS'] ?? (isQuick ? 60 : 600));
    await recordSamples(file, seconds, progress);
  }
  const recording = await readRecording(file);
  const { times, series, sampleCount } = recording;
  const hours = (times.length / 3600).toFixed(2);
  progress(`${sampleCount} real samples of ${series.length} series, ${hours} h at 1 s`);
  return recording;
}

interface OpenPlace extends AsyncDisposable {
  readonly history: History;
  readonly databaseFile: string;
}

async function openPlace(): Promise<OpenPlace> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await openScratchDirectory());
  const databaseFile = join(path, 'drover.db');
  const database = stack.use(await openDatabase({ url: `sqlite:${databaseFile}` }));
  const opened = stack.use(
    await openHistory({
      directory: join(path, 'metrics'),
      store: new SqlMetricStore(database),
      hostId: 'bench' as HostId,
      clock: systemClock,
      log: silentLog,
      metrics: new MetricsRegistry(),
      commonLabels: COMMON_LABELS,
    }),
  );
  const owned = stack.move();
  return { history: opened, databaseFile, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Answers how long it took, in seconds. */
function appendAll({ history: into }: OpenPlace, { series, times }: Recording): number {
  const refs = series.map(({ family, labels }) => {
    const ref = into.declare(family, createLabels(Object.entries(labels)));
    if (ref === undefined) throw new Error('there are too many series');
    return ref;
  });
  using row = into.createRow(refs);
  const values = new Float64Array(refs.length);
  const startedMs = performance.now();
  times.forEach((atMs, tick) => {
    for (let at = 0; at < values.length; at += 1) values[at] = series[at]?.samples[tick] ?? NaN;
    into.appendRow(row, atMs, values);
  });
  return (performance.now() - startedMs) / 1000;
}

async function compareBytes(
  directory: string,
  recording: Recording,
  { progress }: BenchmarkOptions,
): Promise<Comparison> {
  await using place = await openPlace();
  const before = fileSize(place.databaseFile);
  appendAll(place, recording);
  await place.history.seal();
  const ours = (fileSize(place.databaseFile) - before) / recording.sampleCount;
  for (const { resolution, sizeBytes, packs } of place.history.stats().tiers) {
    const each = (sizeBytes / recording.sampleCount).toFixed(3);
    progress(`bytes: ${each} a sample in ${packs} packs at ${resolution} ms a point`);
  }
  const peer = (await measureBlocks(directory, recording)) / recording.sampleCount;
  const seconds = recording.times.length;
  return {
    bench: 'history/bytes',
    ...{ ours, peer, ratio: ours / peer, runs: 1 },
    unit: `bytes/sample, ${seconds} s recorded`,
    against: 'blocks of promtool tsdb create-blocks-from, chunks and index',
    goal: { of: 'ratio', atMost: 1 },
  };
}

/** With what the write-ahead log of SQLite still holds. */
function fileSize(databaseFile: string): number {
  using side = new DatabaseSync(databaseFile);
  side.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return statSync(databaseFile).size;
}

async function measureBlocks(directory: string, recording: Recording): Promise<number> {
  const text = join(directory, 'samples.txt');
  await writeOpenMetrics(text, recording);
  const blocks = join(directory, 'blocks');
  const args = ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', text, blocks];
  await execFileAsync('promtool', args, { maxBuffer: 2 ** 26 });
  const files = readdirSync(blocks, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const file of files) {
    const isCounted = file.name === 'index' || file.parentPath.endsWith('chunks');
    if (file.isFile() && isCounted) bytes += statSync(join(file.parentPath, file.name)).size;
  }
  return bytes;
}

/** Exactly the samples that ours is given, as decimal numbers. */
async function writeOpenMetrics(file: string, { series, times }: Recording): Promise<void> {
  const out = createWriteStream(file);
  const names = new Set<string>();
  for (const [name, group] of Map.groupBy(series, ({ family }) => family.name)) {
    if (names.has(name)) continue;
    names.add(name);
    out.write(`# TYPE ${name} unknown\n`);
    for (const { labels, samples, family } of group) {
      const text = labelsToText(mergeLabels(COMMON_LABELS, createLabels(Object.entries(labels))));
      let lines = '';
      samples.forEach((sample, at) => {
        if (Number.isNaN(sample)) return;
        const value = sampleToNumber(sample, family.scale);
        lines += `${name}{${text}} ${value} ${(times[at] ?? 0) / 1000}\n`;
      });
      if (!out.write(lines)) await once(out, 'drain');
    }
  }
  out.end('# EOF\n');
  await once(out, 'close');
}

async function compareIngest(
  directory: string,
  recording: Recording,
  { isQuick, progress }: BenchmarkOptions,
): Promise<Comparison> {
  const { series, times, sampleCount } = recording;
  const names = join(directory, 'series.json');
  const sets = series.map(({ family, labels }) =>
    JSON.stringify({ __name__: family.name, ...labels, ...COMMON_LABELS }),
  );
  await writeFile(names, `${sets.join('\n')}\n`);
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 7,
      warmups: 2,
      onPair: ({ ours, peer }) =>
        progress(`ingest: ${ours.toFixed(0)} against ${peer.toFixed(0)} samples/s`),
    },
    {
      ours: async () => {
        await using place = await openPlace();
        return sampleCount / appendAll(place, recording);
      },
      peer: async () => {
        await using out = await openScratchDirectory();
        const scrapes = Math.max(100, Math.floor(times.length / 100) * 100);
        const flags = [`--metrics=${series.length}`, `--scrapes=${scrapes}`, `--out=${out.path}`];
        const { stdout } = await execFileAsync(
          'promtool',
          ['tsdb', 'bench', 'write', ...flags, names],
          {
            env: { ...process.env, GOMAXPROCS: '1' },
          },
        );
        return Number(/samples\/sec: (\S+)/.exec(stdout)?.[1]);
      },
    },
  );
  return {
    bench: 'history/ingest',
    ...paired,
    unit: 'samples/s, one core',
    against: 'promtool tsdb bench write, as many series and ticks, GOMAXPROCS=1',
    goal: { of: 'ours', atLeast: 500_000 },
  };
}

const RANGE_SERIES = 100;
const SLICE_S = 600;

interface RangeQuery {
  readonly name: string;
  readonly query: string;
  readonly stepS: number;
}

const RANGES: readonly RangeQuery[] = [
  { name: 'values-60s', query: 'bench_bytes_total', stepS: 60 },
  { name: 'rate-60s', query: 'rate(bench_bytes_total[2m])', stepS: 60 },
  { name: 'sum-rate-300s', query: 'sum(rate(bench_bytes_total[10m]))', stepS: 300 },
  { name: 'values-300s', query: 'bench_bytes_total', stepS: 300 },
];

async function* compareRanges({ isQuick, progress }: BenchmarkOptions): AsyncGenerator<Comparison> {
  const seconds = (isQuick ? 2 : 24) * 3600;
  const endS = Math.floor(systemClock.nowMs() / 1000 / 3600) * 3600;
  const startS = endS - seconds;
  await using place = await openPlace();
  await using prometheus = await TestPrometheus.open({
    args: ['--web.enable-remote-write-receiver', '--query.max-samples=100000000'],
  });
  await fillBoth(place, prometheus, { startS, endS, progress });
  const engine = createPromql({
    reader: place.history.reader,
    clock: systemClock,
    limits: { maxSamples: 20_000_000, maxPoints: 11_000 },
  });
  const request = { fromMs: startS * 1000, toMs: (endS - 1) * 1000 };
  for (const { name, query, stepS } of RANGES) {
    const ours = async () => {
      const { series } = await engine.range(query, { ...request, stepMs: stepS * 1000 }, NEVER);
      return JSON.stringify(
        series.map(({ labels, times, values }) => {
          const points = Array.from(times, (atMs, at) => [atMs / 1000, String(values[at])]);
          return { metric: labels, values: points };
        }),
      ).length;
    };
    const peer = async () => {
      const asked = { query, start: String(startS), end: String(endS - 1), step: String(stepS) };
      const url = `${prometheus.url}/api/v1/query_range?${new URLSearchParams(asked).toString()}`;
      return (await (await fetch(url)).text()).length;
    };
    const paired = await measureInTurn(
      { runs: isQuick ? 3 : 9, warmups: 2 },
      { ours: () => timed(ours), peer: () => timed(peer) },
    );
    progress(`${name}: ${paired.ours.toFixed(0)} against ${paired.peer.toFixed(0)} ms`);
    yield {
      bench: `history/range/${name}`,
      ...paired,
      unit: 'ms',
      against: `Prometheus /api/v1/query_range, ${RANGE_SERIES} series, ${seconds / 3600} h at 1 s`,
      goal: { of: 'ratio', atMost: 1 },
    };
  }
}

async function timed(call: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  const size = await call();
  const tookMs = performance.now() - startedMs;
  if (size < 200) throw new Error('the answer holds nothing');
  return tookMs;
}

interface Fill {
  readonly startS: number;
  readonly endS: number;
  readonly progress: (line: string) => void;
}

/** The same counters for both, growing by something else in each second. */
async function fillBoth(
  { history: into }: OpenPlace,
  prometheus: TestPrometheus,
  { startS, endS, progress }: Fill,
): Promise<void> {
  const family = {
    name: 'bench_bytes_total',
    help: 'Made up.',
    kind: 'counter',
    scale: 0,
  } as const;
  const labelsOf = (at: number) => ({ device: `dev${at}` });
  const refs = Array.from({ length: RANGE_SERIES }, (_, at) => {
    const ref = into.declare(family, labelsOf(at));
    if (ref === undefined) throw new Error('there are too many series');
    return ref;
  });
  using row = into.createRow(refs);
  const values = new Float64Array(RANGE_SERIES);
  let noise = 1;
  for (let sliceS = startS; sliceS < endS; sliceS += SLICE_S) {
    const points = refs.map((): [number, number][] => []);
    for (let atS = sliceS; atS < sliceS + SLICE_S; atS += 1) {
      for (let at = 0; at < RANGE_SERIES; at += 1) {
        noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
        values[at] = (values[at] ?? 0) + 20_000 + (noise % (1000 * (at + 1)));
        points[at]?.push([atS * 1000, values[at] ?? 0]);
      }
      into.appendRow(row, atS * 1000, values);
    }
    await loadSeries(
      prometheus,
      points.map((each, at) => ({
        name: family.name,
        labels: { ...labelsOf(at), ...COMMON_LABELS },
        points: each,
      })),
    );
    if ((sliceS - startS) % 7200 === 0) progress(`loaded ${(sliceS - startS) / 3600} h`);
  }
  await into.seal();
}
