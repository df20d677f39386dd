/** A schedule as the API answers it, as far as it is shown. */
import { factsOf, formatSheet, mapToText } from '#apps/drover/client/sheet-text.ts';
import { formatAge } from '#apps/drover/client/text-table.ts';
import { formatLeft } from './job-frame.ts';
import { SECOND_MS } from '#kernel/units.ts';

type Parts = Readonly<Record<string, unknown>>;

export interface WireSchedule {
  readonly id: string;
  readonly name: string;
  readonly schedule: string;
  readonly timezone: string;
  readonly enabled: boolean;
  readonly job_template: {
    readonly vm_path: string;
    readonly source: Parts;
    readonly destination: Parts;
    readonly options: Parts;
  };
  readonly tags: readonly string[];
  readonly last_run: string | null;
  readonly next_run: string | null;
  readonly run_count: number;
  readonly successful_runs: number;
  readonly failed_runs: number;
}

export const SCHEDULES = '/schedules';

export function schedulePath(id: string): string {
  return `${SCHEDULES}/${encodeURIComponent(id)}`;
}

export function scheduleToSheet(schedule: WireSchedule): string {
  const { job_template: template, tags, ...rest } = schedule;
  return formatSheet([
    ...factsOf(rest),
    ['tags', tags.join(', ')],
    ['vm', template.vm_path],
    ['from', mapToText(template.source)],
    ['to', mapToText(template.destination)],
    ['options', mapToText(template.options)],
  ]);
}

/** `in 3h 20m`, `5m ago`. */
export function whenToText(time: string | null, nowMs: number): string {
  if (time === null) return '-';
  const ms = Date.parse(time) - nowMs;
  return ms >= 0 ? `in ${formatLeft(ms / SECOND_MS)}` : `${formatAge(-ms)} ago`;
}
