/** What a request wants scheduled or changed. All that is wrong with it is told at once. */
import { duration, flag, oneOf, textMatching } from '#kernel/field-kinds.ts';
import { Problems, type FieldReader } from '#kernel/field-reader.ts';
import { HOUR_MS } from '#kernel/units.ts';
import {
  assertScheduleChanges,
  type ScheduleChanges,
  type ScheduleDraft,
} from '#schedules/schedule-draft.ts';
import type { RunsQuery } from '#schedules/schedule-service.ts';
import type { ScheduleQuery, ScheduleSort } from '#schedules/schedule-store.ts';
import { parseScheduleTime } from '#schedules/schedule-time.ts';
import { MISSED_POLICIES, OVERLAP_POLICIES, type JobTemplateDraft } from '#schedules/schedule.ts';
import { count, oneOrMore } from '#surfaces/migration/field-kinds.ts';
import { JOB_FIELDS } from '#surfaces/migration/jobs/job-fields.ts';
import { formerWays } from '#surfaces/migration/jobs/job-warnings.ts';
import { nearMisses, type KnownNames } from '#surfaces/migration/near-misses.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';
import { readJobTemplate, type TemplateOptions } from '#transfers/parse-migration.ts';

const SCHEDULE_FIELDS: KnownNames = {
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
/** Stands in for what is refused. */
const NOTHING: JobTemplateDraft = { kind: '', subject: '', spec: {} };

export function parseSchedule(body: unknown): ScheduleDraft {
  return readSchedule(body, (fields, problems) => {
    const { id, schedule, template, ...rest } = readChanges(fields, problems, { isChange: false });
    if (!fields.has('schedule') || schedule === '') {
      fields.refuse('schedule', 'is missing; it must be a cron expression: 0 2 * * *');
    }
    if (!fields.has('job_template')) fields.refuse('job_template', 'is missing');
    if (id !== undefined && RESERVED.includes(id)) {
      fields.refuse('id', 'is a word of this API; choose another');
    }
    return { ...rest, id, schedule: schedule ?? '', template: template ?? NOTHING };
  });
}

/** What is left out stays as it is; the id cannot be changed. */
export function parseScheduleChanges(body: unknown): ScheduleChanges {
  return readSchedule(body, (fields, problems) => {
    const { id: _id, ...changes } = readChanges(fields, problems, { isChange: true });
    return changes;
  });
}

export function scheduleWarnings(body: unknown): readonly string[] {
  const template =
    typeof body === 'object' && body !== null && 'job_template' in body ? body.job_template : {};
  return [...nearMisses(body, SCHEDULE_FIELDS), ...formerWays(template, 'job_template.')];
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

function readSchedule<T>(body: unknown, read: (fields: FieldReader, problems: Problems) => T): T {
  const problems = new Problems();
  const schedule = read(readFields(body, Object.keys(SCHEDULE_FIELDS), problems), problems);
  problems.throwAny('the schedule cannot be taken');
  return schedule;
}

function readChanges(fields: FieldReader, problems: Problems, options: TemplateOptions) {
  const template = fields.raw('job_template');
  const changes = {
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
    ...(template !== undefined && { template: readJobTemplate(template, problems, options) }),
  };
  const { schedule, timezone } = changes;
  // Without a text it depends on the one that is there.
  if (schedule) fields.gather(() => parseScheduleTime(schedule, { timezone, fallback: 'UTC' }));
  fields.gather(() => assertScheduleChanges(changes));
  return changes;
}
