/** Which jobs are meant, by the body of a POST or the parameters of a GET. */
import { MOST_IDS, MOST_LISTED, MOST_OFFSET } from '#jobs/job-list.ts';
import type { JobQuery, JobSort } from '#jobs/job-list.ts';
import { JOB_STATES, type JobState } from '#jobs/job.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { flag, oneOf, textMatching } from '#kernel/field-kinds.ts';
import { Problems } from '#kernel/field-reader.ts';
import { isJobId } from '#kernel/ids.ts';
import { count, oneOrMore } from '#surfaces/migration/field-kinds.ts';
import type { KnownNames } from '#surfaces/migration/near-misses.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';

export const QUERY_FIELDS: KnownNames = {
  ...{ job_ids: true, status: true, all: true, limit: true, offset: true, cursor: true },
  ...{ sort: true, order: true, vm_path: true, batch_id: true, schedule_id: true },
};

const USUAL_LIMIT = 100;
const LONGEST_TEXT = 1024;
const SORTS = ['created_at', 'updated_at', 'priority'] as const;
const SORT_FIELDS = {
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  priority: 'priority',
} satisfies Record<(typeof SORTS)[number], JobSort>;

const ids = oneOrMore(textMatching('the id of a job', isJobId), MOST_IDS);
const states = oneOrMore(oneOf(JOB_STATES), JOB_STATES.length);
const text = textMatching(
  `a text of 1 to ${LONGEST_TEXT} characters`,
  (given) => given.length > 0 && given.length <= LONGEST_TEXT,
);

/** All filters have to fit. With `all` a page is as long as pages get. */
export function parseJobQuery(raw: unknown): JobQuery {
  const problems = new Problems();
  const fields = readFields(raw, Object.keys(QUERY_FIELDS), problems);
  const isAll = fields.read('all', flag, false);
  const limit = fields.read('limit', count(0, MOST_LISTED), 0);
  const cursor = fields.optional('cursor', text);
  const offset = fields.optional('offset', count(0, MOST_OFFSET));
  if (cursor !== undefined && offset !== undefined) {
    fields.refuse('offset', 'cannot be given beside a cursor');
  }
  const query: JobQuery = {
    ids: given(fields.optional('job_ids', ids)),
    states: given(fields.optional('status', states)),
    batchId: fields.optional('batch_id', text),
    scheduleId: fields.optional('schedule_id', text),
    subject: fields.optional('vm_path', text),
    sort: SORT_FIELDS[fields.read('sort', oneOf(SORTS), 'created_at')],
    order: fields.read('order', oneOf(['asc', 'desc']), 'desc'),
    limit: limit > 0 ? limit : isAll ? MOST_LISTED : USUAL_LIMIT,
    ...(cursor === undefined ? { offset } : { cursor }),
  };
  problems.throwAny('the query cannot be answered');
  return query;
}

export interface Cancellation {
  readonly ids?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
}

export function parseCancellation(raw: unknown): Cancellation {
  const problems = new Problems();
  const fields = readFields(raw, ['job_ids', 'status'], problems);
  const named = {
    ids: given(fields.optional('job_ids', ids)),
    states: given(fields.optional('status', states)),
  };
  problems.throwAny('no job can be cancelled');
  if (named.ids === undefined && named.states === undefined) {
    throw invalidArgument('job_ids', 'is missing: name jobs, or give a status');
  }
  return named;
}

/** An empty list names nothing, and is no filter. */
function given<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}
