/** What is drawn of a job that runs: where it is, and a bar for each disk. */
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { formatBytes, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { WireDisk, WireJob, WireProgress } from './wire-job.ts';

const BAR_CELLS = 24;
const FULL = '█';
const EMPTY = '░';

/** Lines of text; `rates` are those of the disks, in bytes a second. */
export function jobToFrame(
  job: WireJob,
  rates: readonly (number | undefined)[],
): readonly string[] {
  const { progress, definition } = job;
  const title = `${definition.id} ${printable(definition.vm_path)}: ${stateToText(job)}`;
  const disks = progress.disks.map((disk, at) => diskToCells(disk, rates[at]));
  const all = [
    '  in all',
    bar(progress.percent_complete),
    percentToText(progress.percent_complete),
    ...amountsToCells(progress),
  ];
  const rows = job.status === 'pending' ? [] : [...disks, all];
  return [title, ...formatTable([], rows).split('\n').slice(0, -1)];
}

/** The same in one line, for what is no terminal. */
export function jobToLine(job: WireJob): string {
  const { progress } = job;
  if (job.status !== 'running' || job.cancel_requested) return stateToText(job);
  const amounts = amountsToCells(progress).filter((cell) => cell !== '');
  const percent = percentToText(progress.percent_complete).trim();
  return [`${stateToText(job)} ${percent}`, ...amounts].join(', ');
}

function stateToText(job: WireJob): string {
  const { status, progress, attempts } = job;
  if (job.cancel_requested) return 'cancelling';
  if (status === 'failed') return `failed: ${printable(job.error ?? 'it does not say why')}`;
  if (status === 'running') {
    const step = progress.current_step === null ? '' : ` (${printable(progress.current_step)})`;
    return `${progress.stage}${step}`;
  }
  if (status !== 'pending' || job.last_error === null) return status;
  const next = job.next_attempt_at === null ? '' : ` at ${job.next_attempt_at}`;
  const why = printable(job.last_error.message);
  return `waiting, to be tried again${next}: attempt ${attempts} failed: ${why}`;
}

/** `45s`, `2m 5s`, `3h 20m`, `2d 3h`. */
export function formatLeft(seconds: number): string {
  const ms = Math.ceil(seconds) * SECOND_MS;
  const whole = (unitMs: number) => Math.floor(ms / unitMs);
  if (ms < MINUTE_MS) return `${whole(SECOND_MS)}s`;
  if (ms < HOUR_MS) return `${whole(MINUTE_MS)}m ${whole(SECOND_MS) % 60}s`;
  if (ms < 24 * HOUR_MS) return `${whole(HOUR_MS)}h ${whole(MINUTE_MS) % 60}m`;
  return `${whole(24 * HOUR_MS)}d ${whole(HOUR_MS) % 24}h`;
}

function diskToCells(disk: WireDisk, rate: number | undefined): string[] {
  const { current_bytes: done, total_bytes: total, percent_complete: percent } = disk;
  // Of one that is done the rate would only fall.
  const pace = total !== null && done >= total ? undefined : rate;
  const amounts = {
    ...{ current_bytes: done, total_bytes: total, bytes_per_second: pace ?? null },
    estimated_remaining: total === null || !pace || pace < 0 ? null : (total - done) / pace,
  };
  return [
    `  ${printable(disk.name)}`,
    percent === null ? '' : bar(percent),
    percent === null ? '' : percentToText(percent),
    ...amountsToCells(amounts),
  ];
}

type Amounts = Pick<
  WireProgress,
  'current_bytes' | 'total_bytes' | 'bytes_per_second' | 'estimated_remaining'
>;

function amountsToCells(amounts: Amounts): string[] {
  const { current_bytes: done, total_bytes: total, bytes_per_second: rate } = amounts;
  const left = amounts.estimated_remaining;
  return [
    total === null ? '' : `${formatBytes(done)} of ${formatBytes(total)}`,
    rate === null ? '' : `${formatBytes(Math.round(rate))}/s`,
    left === null ? '' : `${formatLeft(left)} left`,
  ];
}

function bar(percent: number): string {
  const filled = Math.max(0, Math.min(BAR_CELLS, Math.floor((percent / 100) * BAR_CELLS)));
  return FULL.repeat(filled) + EMPTY.repeat(BAR_CELLS - filled);
}

function percentToText(percent: number): string {
  return `${percent.toFixed(1).padStart(5)} %`;
}
