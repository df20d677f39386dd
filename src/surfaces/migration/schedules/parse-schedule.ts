/** What a request wants scheduled or changed. What is wrong with a value the domain finds out. */
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { duration, flag, oneOf, textMatching } from '#kernel/field-kinds.ts';
import { Problems } from '#kernel/field-reader.ts';
import { HOUR_MS } from '#kernel/units.ts';
import type { ScheduleChanges, ScheduleDraft } from '#schedules/schedule-draft.ts';
import type { RunsQuery } from '#schedules/schedule-service.ts';
import type { ScheduleQuery, ScheduleSort } from '#schedules/schedule-store.ts';
import { MISSED_POLICIES, OVERLAP_POLICIES, type JobTemplateDraft } from '#schedules/schedule.ts';
import { count, oneOrMore } from '#surfaces/migration/field-kinds.ts';
import { JOB_FIELDS } from '#surfaces/migration/jobs/job-fields.ts';
import type { KnownNames } from '#surfaces/migration/near-misses.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';
import { parseMigration } from '#transfers/parse-migration.ts';

export const SCHEDULE_FIELDS: KnownNames = {
  ...{ id: true, name: true, description: true, schedule: true, timezone: true, enabled: true },
  ...{ missed: true, overlap: true, jitter: true, tags: true, job_template: JOB_FIELDS },
  // What `GET` answers besides, so that its answer can be sent back.
  ...{ created_at: true, updated_at: true, last_run: true, next_run: true, run_count: true },
  ...{ successful_runs: true, failed_runs: true },
};

/** What would take the place of a path below `/schedules`. */
const RESERVED = ['stats'];
const MOST_TAGS = 100;
const MOST_LISTED = 1000;
const MOST_RUNS = 1000;
const USUAL_RUNS = 100;
const SORTS = ['id', 'name', 'created_at', 'next_run', 'last_run'] as const;
const SORT_FIELDS = {
  ...{ id: 'id', name: 'name', created_at: 'createdAt' },
  ...{ next_run: 'nextRunAt', last_run: 'lastRunAt' },
} as const satisfies Record<(typeof SORTS)[number], ScheduleSort>;

const text = textMatching('a text', () => true);
const tags = oneOrMore(text, MOST_TAGS);

export function parseSchedule(body: unknown): ScheduleDraft {
  const { id, schedule, template, ...rest } = parseScheduleFields(body);
  if (schedule === undefined || schedule === '') {
    throw invalidArgument('schedule', 'is missing; it must be a cron expression: 0 2 * * *');
  }
  if (template === undefined) throw invalidArgument('job_template', 'is missing');
  if (id !== undefined && RESERVED.includes(id)) {
    throw invalidArgument('id', 'is a word of this API; choose another');
  }
  return { ...rest, id, schedule, template };
}

/** What is left out stays as it is; the id cannot be changed. */
export function parseScheduleChanges(body: unknown): ScheduleChanges {
  const { id: _id, ...changes } = parseScheduleFields(body);
  return changes;
}

export function parseScheduleQuery(query: unknown): ScheduleQuery {
  const problems = new Problems();
  const fields = readFields(query, ['enabled', 'sort', 'order', 'limit', 'offset'], problems);
  const parsed: ScheduleQuery = {
    enabled: fields.optional('enabled', flag),
    sort: SORT_FIELDS[fields.read('sort', oneOf(SORTS), 'id')],
    order: fields.read('order', oneOf(['asc', 'desc']), 'asc'),
    limit: fields.read('limit', count(1, MOST_LISTED), MOST_LISTED),
    offset: fields.read('offset', count(0, Number.MAX_SAFE_INTEGER), 0),
  };
  problems.throwAny('the schedules cannot be listed');
  return parsed;
}

export function parseRunsQuery(query: unknown): RunsQuery {
  const problems = new Problems();
  const fields = readFields(query, ['before', 'limit'], problems);
  const parsed = {
    before: fields.optional('before', count(1, Number.MAX_SAFE_INTEGER)),
    limit: fields.read('limit', count(1, MOST_RUNS), USUAL_RUNS),
  };
  problems.throwAny('the runs cannot be listed');
  return parsed;
}

function parseScheduleFields(
  body: unknown,
): ScheduleChanges & { readonly id?: string | undefined } {
  const problems = new Problems();
  const fields = readFields(body, Object.keys(SCHEDULE_FIELDS), problems);
  const parsed = {
    id: fields.optional('id', text),
    name: fields.optional('name', text),
    description: fields.optional('description', text),
    schedule: fields.optional('schedule', text),
    timezone: fields.optional('timezone', text),
    enabled: fields.optional('enabled', flag),
    missed: fields.optional('missed', oneOf(MISSED_POLICIES)),
    overlap: fields.optional('overlap', oneOf(OVERLAP_POLICIES)),
    jitterMs: fields.optional('jitter', duration(0, HOUR_MS)),
    tags: fields.optional('tags', tags),
  };
  problems.throwAny('the schedule cannot be taken');
  return { ...parsed, template: parseTemplate(fields.raw('job_template')) };
}

function parseTemplate(raw: unknown): JobTemplateDraft | undefined {
  if (raw === undefined) return undefined;
  try {
    return parseMigration(raw, { isTemplate: true });
  } catch (thrown) {
    if (!(thrown instanceof DroverError)) throw thrown;
    const field = ['job_template', thrown.metadata['field'] ?? []].flat().join('.');
    throw new DroverError(thrown.kind, `job_template: ${thrown.message}`, {
      ...{ reason: thrown.reason, metadata: { ...thrown.metadata, field }, cause: thrown },
    });
  }
}
