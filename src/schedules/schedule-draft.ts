/** What owners say of a schedule, checked for all that can be wrong with it by itself. */
import { invalidArgument } from '#kernel/errors.ts';
import { HOUR_MS } from '#kernel/units.ts';
import {
  MISSED_POLICIES,
  OVERLAP_POLICIES,
  type JobTemplateDraft,
  type MissedPolicy,
  type OverlapPolicy,
} from './schedule.ts';

/** Absent: as it is by default in a new schedule, and as it was in a change. */
export interface ScheduleChanges {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly schedule?: string | undefined;
  readonly timezone?: string | undefined;
  readonly enabled?: boolean | undefined;
  /** Replaces the former one; without `secrets` it keeps those that may go with it. */
  readonly template?: JobTemplateDraft | undefined;
  readonly missed?: MissedPolicy | undefined;
  readonly overlap?: OverlapPolicy | undefined;
  readonly jitterMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
}

export interface ScheduleDraft extends ScheduleChanges {
  /** Absent: one is made. */
  readonly id?: string | undefined;
  readonly schedule: string;
  readonly template: JobTemplateDraft;
}

const LONGEST_NAME = 200;
const LONGEST_DESCRIPTION = 2000;
const MOST_TAGS = 50;
const LONGEST_TAG = 100;
const MOST_JITTER_MS = HOUR_MS;
const MOST_TEMPLATE_LETTERS = 256 * 1024;

/** Throws `invalid_argument` for the first that is wrong. */
export function assertScheduleChanges(changes: ScheduleChanges): void {
  const { name, description, tags, jitterMs, missed, overlap, template } = changes;
  if (name !== undefined && (name.trim() === '' || name.length > LONGEST_NAME)) {
    throw invalidArgument('name', `must have 1 to ${LONGEST_NAME} letters`);
  }
  if (description !== undefined && description.length > LONGEST_DESCRIPTION) {
    throw invalidArgument('description', `must have at most ${LONGEST_DESCRIPTION} letters`);
  }
  if (tags !== undefined) assertTags(tags);
  if (jitterMs !== undefined && !isWithin(jitterMs, MOST_JITTER_MS)) {
    throw invalidArgument('jitter', 'must be from no time at all to one hour');
  }
  assertOneOf('missed', missed, MISSED_POLICIES);
  assertOneOf('overlap', overlap, OVERLAP_POLICIES);
  if (template !== undefined && JSON.stringify(template).length > MOST_TEMPLATE_LETTERS) {
    throw invalidArgument('job_template', 'must have at most 256 KiB');
  }
}

function assertTags(tags: readonly string[]): void {
  const isFine = (tag: string) => tag !== '' && tag.length <= LONGEST_TAG;
  if (tags.length <= MOST_TAGS && tags.every(isFine)) return;
  throw invalidArgument('tags', `must be at most ${MOST_TAGS} of 1 to ${LONGEST_TAG} letters each`);
}

function isWithin(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function assertOneOf(field: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw invalidArgument(field, `must be one of ${allowed.join(', ')}`);
}
