/**
 * Runs the tests: every *.test.ts under src/, test/ and web/, or those whose path holds one of the
 * words given (`npm test -- store qemu`). This script decides what runs beside what, and adds the
 * results up into one report with one summary.
 *
 * Fast files share the cores, and a dozen of them a process: starting one and loading what they all
 * import takes longer than most of them do. Each slow file (real QEMU, browsers, whole processes)
 * has a process of its own, and they run two at a time: a third was tried and gains nothing, since
 * emulated guests keep both busy. The few that measure how fast something goes run alone.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import type { TestEvent } from 'node:test/reporters';
import { openPostgresServer } from '#test/postgres.ts';
import { bundleProgram } from './bundled-program.ts';

interface Phase {
  readonly files: readonly string[];
  /** How many files share a process. */
  readonly batch: number;
  readonly concurrency: number;
  readonly testTimeoutMs: number;
  /** A process that goes on for longer has left something open: it is stopped, and has failed. */
  readonly processTimeoutMs: number;
}

const MINUTE_MS = 60_000;
/** Two idle cores need less than half of it; a slow machine is not a failure. */
const RUN_TIMEOUT_MS = 25 * MINUTE_MS;
const SLOW = /^test\/(browser|e2e|fault|peers)\/|\.qemu\.test\.ts$/;
/** They compare a rate or a time with a limit: a neighbour would be part of what they measure. */
const LONE = /^test\/e2e\/network-rates\.|\/tap-network-traffic\.|\/migration-cancel(?:-ssh)?\./;
const BATCH = join(import.meta.dirname, 'test-batch.ts');
const SLOWEST_SHOWN = Number(process.env['DROVER_TEST_SLOWEST'] ?? 10);

/** The lines of node:test's summary, and what it calls them when it counts. */
const SUMMARY = {
  tests: 'tests',
  suites: 'suites',
  pass: 'passed',
  fail: 'failed',
  cancelled: 'cancelled',
  skipped: 'skipped',
  todo: 'todo',
} as const;

const root = join(import.meta.dirname, '..');
const startedMs = performance.now();
const reporter = new spec();
reporter.pipe(process.stdout);
const totals: Record<string, number> = {};
const durations: { readonly file: string; readonly seconds: number }[] = [];
const wholeRun = abortAfter(RUN_TIMEOUT_MS, 'the whole run took too long');
let succeeded = true;

function planPhases(words: readonly string[]): Phase[] {
  const files = globSync('{src,test,web}/**/*.test.ts', { cwd: root })
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .toSorted();
  const fast = {
    files: files.filter((file) => !SLOW.test(file) && !LONE.test(file)),
    concurrency: Math.max(2, availableParallelism()),
    batch: 12,
    testTimeoutMs: MINUTE_MS,
    processTimeoutMs: 3 * MINUTE_MS,
  };
  const long = { batch: 1, testTimeoutMs: 3 * MINUTE_MS, processTimeoutMs: 6 * MINUTE_MS };
  const slow = files.filter((file) => SLOW.test(file) && !LONE.test(file));
  const side = { ...long, files: slow, concurrency: 2 };
  const lone = { ...long, files: files.filter((file) => LONE.test(file)), concurrency: 1 };
  return [fast, side, lone].filter((phase) => phase.files.length > 0);
}

async function runPhase(phase: Phase): Promise<void> {
  const waiting = [...phase.files];
  const worker = async () => {
    while (waiting.length > 0) await runBatch(waiting.splice(0, phase.batch), phase);
  };
  await Promise.all(Array.from({ length: phase.concurrency }, worker));
}

/** What runs side by side is reported whole, one after the other; what runs alone, as it goes. */
async function runBatch(files: readonly string[], phase: Phase): Promise<void> {
  const kept: TestEvent[] = [];
  const batchStartedMs = performance.now();
  const limit = phase.processTimeoutMs / 1000;
  const late = `stopped after ${limit} s: a test leaves something open, or takes too long`;
  const signal = AbortSignal.any([abortAfter(phase.processTimeoutMs, late), wholeRun]);
  const paths = files.map((file) => join(root, file));
  const events = run({
    ...(paths.length === 1 ? { files: paths } : { files: [BATCH], argv: paths }),
    cwd: root,
    concurrency: 1,
    timeout: phase.testTimeoutMs,
    signal,
  }) as AsyncIterable<TestEvent>;
  for await (const event of events) {
    if (isSummary(event)) addUp(event);
    else if (phase.concurrency === 1) reporter.write(event);
    else kept.push(event);
  }
  for (const event of kept) reporter.write(event);
  if (files.length === 1) noteDuration(paths[0], performance.now() - batchStartedMs);
  else for (const event of kept) noteSuite(event);
}

/** In a batch, the outermost suites are the files. */
function noteSuite({ type, data }: TestEvent): void {
  if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting > 0) return;
  noteDuration(data.name, data.details.duration_ms);
}

function noteDuration(path = root, ms: number): void {
  durations.push({ file: relative(root, path), seconds: Math.round(ms / 1000) });
}

function abortAfter(ms: number, message: string): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error(message)), ms).unref();
  return controller.signal;
}

/** Each run ends with a summary of its own, as numbers and as lines to print. */
function isSummary(event: TestEvent): boolean {
  if (event.type === 'test:summary') return true;
  if (event.type !== 'test:diagnostic' || event.data.file !== undefined) return false;
  return Object.hasOwn({ ...SUMMARY, duration_ms: '' }, event.data.message.split(' ')[0] ?? '');
}

function addUp(event: TestEvent): void {
  if (event.type !== 'test:summary' || event.data.file !== undefined) return;
  const counts: Readonly<Record<string, number>> = event.data.counts;
  for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
  succeeded &&= event.data.success;
}

function reportTotals(): void {
  const lines = Object.entries(SUMMARY).map(([line, count]) => `${line} ${totals[count] ?? 0}`);
  const slowest = durations
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST_SHOWN)
    .map(({ file, seconds }) => `slowest: ${seconds} s ${file}`);
  for (const message of [...slowest, ...lines, `duration_ms ${performance.now() - startedMs}`]) {
    reporter.write({ type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } });
  }
  reporter.end();
}

/**
 * A developer's own settings must not reach the programs under test. What was compiled once, in a
 * file of tests or in a server that one starts, is not compiled again: that is a third of it all.
 */
function prepareEnvironment(): void {
  process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules/.cache/drover/compiled');
  for (const name of Object.keys(process.env)) {
    if (/^DROVER_(?!TEST_)/.test(name)) delete process.env[name];
  }
}

/** Undefined where PostgreSQL is not installed; the tests that need it then say so themselves. */
async function openSharedPostgres(): Promise<AsyncDisposable | undefined> {
  try {
    const postgres = await openPostgresServer();
    process.env['DROVER_TEST_POSTGRES'] = postgres.url;
    return postgres;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

const words = process.argv.slice(2);
const phases = planPhases(words);
if (phases.length === 0) {
  console.error(
    `No *.test.ts under src/, test/ or web/ has a path with ${words.join(' or ')} in it.`,
  );
  process.exitCode = 1;
} else {
  prepareEnvironment();
  await using _postgres = await openSharedPostgres();
  await using program = await bundleProgram();
  process.env['DROVER_TEST_PROGRAM'] = program.path;
  for (const phase of phases) await runPhase(phase);
  reportTotals();
  if (!succeeded) process.exitCode = 1;
}
