/** Every method of every path of this surface, for the OpenAPI document. */
import type { Operation } from '#surfaces/edge/openapi-document.ts';
import {
  answerOf,
  ANY,
  FLAG,
  listOf,
  orNull,
  reference,
  shape,
  TEXT,
  WHOLE,
  type Json,
  TIME,
} from '#surfaces/edge/openapi-kinds.ts';
import { STATUSES } from './openapi-shapes.ts';

const READ = [401, 403];
const ONE = [401, 403, 404];
const CHANGE = [400, 401, 403, 404];
const MESSAGE = answerOf({ message: TEXT });

const FILTERS = {
  ...{ job_ids: listOf(TEXT), status: STATUSES, all: FLAG, limit: WHOLE, offset: WHOLE },
  ...{ cursor: TEXT, sort: TEXT, order: TEXT, vm_path: TEXT, batch_id: TEXT, schedule_id: TEXT },
};
const JOB_PAGE = answerOf({
  ...{ jobs: listOf(reference('Job')), total: WHOLE, next_cursor: orNull(TEXT) },
});
const LINES = { after: WHOLE, limit: WHOLE };
const LOG_LINES = answerOf({ job_id: TEXT, logs: listOf(ANY), next_after: WHOLE });
const LOGIN_QUERY = {
  ...{ connection: TEXT, vcenter_url: TEXT, username: TEXT, password: TEXT, datacenter: TEXT },
  ...{ insecure: FLAG, thumbprint: TEXT },
};
const VM_LIST = answerOf({ vms: listOf(reference('Vm')), total: WHOLE });
const DONE = answerOf({ message: TEXT, success: FLAG });
const SOURCE_FAILURES = [400, 401, 403, 404, 503, 504];

function read(summary: string, answer: Json, rest: Partial<Operation> = {}): Operation {
  return { summary, answer, failures: READ, ...rest };
}

function change(summary: string, answer: Json, rest: Partial<Operation> = {}): Operation {
  return { summary, answer, failures: CHANGE, ...rest };
}

function vmCommand(summary: string, answer: Json = DONE): Record<string, Operation> {
  const body = reference('VmRequest');
  return { post: { summary, body, answer, failures: [...SOURCE_FAILURES, 412] } };
}

const JOBS: Record<string, Record<string, Operation>> = {
  '/jobs/submit': {
    post: change(
      'Submit a job, a list of jobs, or an object with `jobs`',
      answerOf({
        ...{ job_id: TEXT, message: TEXT, job_ids: listOf(TEXT), accepted: WHOLE, rejected: WHOLE },
      }),
      {
        ...{ status: 201, isYaml: true, failures: [400, 401, 403, 409, 413, 415, 429] },
        body: { oneOf: [reference('JobRequest'), listOf(reference('JobRequest')), ANY] },
      },
    ),
  },
  '/jobs/preflight': {
    post: change(
      'What stands in the way of a job',
      answerOf({ ok: FLAG, errors: WHOLE, warning_count: WHOLE, findings: listOf(ANY) }),
      { isYaml: true, body: reference('JobRequest'), failures: SOURCE_FAILURES },
    ),
  },
  '/jobs/query': {
    post: read('Jobs that fit all filters', JOB_PAGE, {
      body: { type: 'object', properties: FILTERS },
      failures: [400, ...READ],
    }),
    get: read('Jobs that fit all filters', JOB_PAGE, { query: FILTERS, failures: [400, ...READ] }),
  },
  '/jobs/cancel': {
    post: change(
      'Cancel jobs by id, by status, or both',
      answerOf({ message: TEXT, count: WHOLE, cancelled: listOf(TEXT), failed: listOf(TEXT) }),
      { body: { type: 'object', properties: { job_ids: listOf(TEXT), status: STATUSES } } },
    ),
  },
  '/jobs/{id}': {
    get: read('A job', reference('Job'), { failures: ONE }),
    patch: change('Change what may change while it runs', reference('Job'), {
      body: { type: 'object', properties: { bandwidth_limit: orNull(WHOLE) } },
      failures: [...CHANGE, 412],
    }),
    delete: change('Forget a job that has ended', MESSAGE, { failures: [...CHANGE, 412] }),
  },
  '/jobs/progress/{id}': { get: read('How far a job is', ANY, { failures: ONE }) },
  '/jobs/{id}/events': {
    get: read(
      'What has become of a job',
      answerOf({ job_id: TEXT, events: listOf(ANY), next_after: WHOLE }),
      { query: LINES, failures: CHANGE },
    ),
  },
  '/jobs/{id}/logs': {
    get: read('What a job has said', LOG_LINES, { query: LINES, failures: CHANGE }),
  },
  '/jobs/logs/{id}': {
    get: read('The same as /jobs/{id}/logs', LOG_LINES, { query: LINES, failures: CHANGE }),
  },
  '/jobs/{id}/retry': {
    post: change('Run it again', answerOf({ message: TEXT, job_id: TEXT, job: reference('Job') }), {
      failures: [...CHANGE, 412],
    }),
  },
  '/jobs/{id}/clean': {
    post: change(
      'Remove what it left behind',
      answerOf({ message: TEXT, job_id: TEXT, removed: listOf(TEXT) }),
      { failures: [...CHANGE, 412] },
    ),
  },
};

const SCHEDULE = reference('Schedule');
const SCHEDULES: Record<string, Record<string, Operation>> = {
  '/schedules': {
    get: read('All schedules', answerOf({ schedules: listOf(SCHEDULE), total: WHOLE }), {
      query: { enabled: FLAG, sort: TEXT, order: TEXT, limit: WHOLE, offset: WHOLE },
      failures: [400, ...READ],
    }),
    post: change('Add a schedule', answerOf({ message: TEXT, schedule: SCHEDULE }), {
      ...{ status: 201, isYaml: true, failures: [400, 401, 403, 409, 429] },
      body: reference('ScheduleRequest'),
    }),
  },
  '/schedules/preview': {
    post: change(
      'When a schedule would be due',
      answerOf({ schedule: TEXT, timezone: TEXT, next_runs: listOf(TIME) }),
      {
        failures: [400],
        body: shape({
          ...{ schedule: TEXT, timezone: TEXT },
          after: { ...TIME, description: 'Later ones than this; left out: than now' },
          count: { ...WHOLE, minimum: 1, maximum: 20 },
        }),
      },
    ),
  },
  '/schedules/stats': {
    get: read(
      'Over all schedules',
      answerOf({
        ...{ total_schedules: WHOLE, enabled_schedules: WHOLE, disabled_schedules: WHOLE },
        ...{ total_runs: WHOLE, successful_runs: WHOLE, failed_runs: WHOLE },
      }),
    ),
  },
  '/schedules/{id}': {
    get: read('A schedule', SCHEDULE, { failures: ONE }),
    put: change('Change what is given', answerOf({ message: TEXT, schedule: SCHEDULE }), {
      isYaml: true,
      body: reference('ScheduleRequest'),
    }),
    delete: change('Remove a schedule', MESSAGE, { failures: ONE }),
  },
  '/schedules/{id}/enable': {
    post: change('Enable it', answerOf({ message: TEXT, schedule: SCHEDULE }), { failures: ONE }),
  },
  '/schedules/{id}/disable': {
    post: change('Disable it', answerOf({ message: TEXT, schedule: SCHEDULE }), { failures: ONE }),
  },
  '/schedules/{id}/trigger': {
    post: change(
      'Run it now',
      answerOf({ message: TEXT, job_id: orNull(TEXT), run: reference('Run') }),
      { failures: ONE },
    ),
  },
  '/schedules/{id}/runs': {
    get: read(
      'Its runs, the newest first',
      answerOf({ runs: listOf(reference('Run')), next_before: orNull(WHOLE) }),
      { query: { before: WHOLE, limit: WHOLE }, failures: CHANGE },
    ),
  },
};

const TESTED = reference('Attempt');
const WEBHOOKS: Record<string, Record<string, Operation>> = {
  '/webhooks': {
    get: read('All webhooks', answerOf({ webhooks: listOf(reference('Webhook')), total: WHOLE })),
    post: change('Add a webhook', answerOf({ message: TEXT, webhook: reference('Webhook') }), {
      ...{ status: 201, isYaml: true, failures: [400, 401, 403, 429] },
      body: reference('WebhookRequest'),
    }),
  },
  '/webhooks/{index}': {
    get: read('A webhook, by its index or id', reference('Webhook'), { failures: CHANGE }),
    delete: change('Remove a webhook, by its index or id', MESSAGE, {
      failures: [...CHANGE, 412],
    }),
  },
  '/webhooks/test': {
    post: change('Send a test to a URL', TESTED, {
      body: reference('WebhookRequest'),
      failures: [400, 401, 403],
    }),
  },
  '/webhooks/{index}/test': {
    post: change('Send a test to a webhook', TESTED, {
      body: { type: 'object', properties: { event: TEXT } },
    }),
  },
};

const VMS: Record<string, Record<string, Operation>> = {
  '/vms/list': {
    get: read('The VMs of a vCenter, or in files', VM_LIST, {
      query: { ...LOGIN_QUERY, pattern: TEXT, type: TEXT, path: TEXT },
      failures: SOURCE_FAILURES,
    }),
    post: read('The VMs of a vCenter, or in files', VM_LIST, {
      body: reference('VmsRequest'),
      failures: SOURCE_FAILURES,
    }),
  },
  '/vms/info': {
    get: read('A VM', reference('Vm'), {
      query: { ...LOGIN_QUERY, vm_path: TEXT },
      failures: SOURCE_FAILURES,
    }),
    post: read('A VM', reference('Vm'), {
      body: reference('VmRequest'),
      failures: SOURCE_FAILURES,
    }),
  },
  '/vms/shutdown': vmCommand('Ask the guest to shut down'),
  '/vms/poweroff': vmCommand('Switch it off'),
  '/vms/remove-cdrom': vmCommand(
    'Take its CD-ROM drives away',
    answerOf({ message: TEXT, success: FLAG, removed: WHOLE }),
  ),
};

const CONNECTION = reference('Connection');
const CONNECTIONS: Record<string, Record<string, Operation>> = {
  '/connections': {
    get: read('All connections', answerOf({ connections: listOf(CONNECTION), total: WHOLE })),
    post: change('Keep a connection', answerOf({ message: TEXT, connection: CONNECTION }), {
      ...{ status: 201, isYaml: true, failures: [400, 401, 403, 409, 429] },
      body: reference('ConnectionRequest'),
    }),
  },
  '/connections/{name}': {
    get: read('A connection', CONNECTION, { failures: ONE }),
    put: change('Change what is given', answerOf({ message: TEXT, connection: CONNECTION }), {
      isYaml: true,
      body: reference('ConnectionRequest'),
    }),
    delete: change('Remove a connection', MESSAGE, { failures: ONE }),
  },
  '/connections/{name}/test': {
    post: change(
      'Log in by it',
      answerOf({ message: TEXT, success: FLAG, product: TEXT, vms: orNull(WHOLE) }),
      { failures: SOURCE_FAILURES },
    ),
  },
};

const UPLOAD = shape({ name: TEXT, path: TEXT, size: WHOLE, uploaded_at: TEXT });
const UPLOADS: Record<string, Record<string, Operation>> = {
  '/uploads': {
    get: read('Files that were sent here', answerOf({ uploads: listOf(UPLOAD), total: WHOLE })),
  },
  '/uploads/{name}': {
    put: change('Send a file to migrate from', answerOf({ message: TEXT, upload: UPLOAD }), {
      ...{ status: 201, isBinary: true, failures: [400, 401, 403, 408, 409, 413, 429] },
      body: { type: 'string', format: 'binary' },
    }),
    delete: change('Remove a file', MESSAGE),
  },
};

export const OPERATIONS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/status': { get: read('How many jobs there are, and workers', reference('Counts')) },
  '/capabilities': { get: read('What this installation can do', ANY) },
  ...{ ...JOBS, ...SCHEDULES, ...WEBHOOKS, ...VMS, ...CONNECTIONS, ...UPLOADS },
  '/ws': {
    get: read('A WebSocket that tells of jobs and schedules', ANY, {
      status: 101,
      query: { token: TEXT },
      failures: [401, 403, 426, 503],
    }),
  },
  '/api/v1/migration/openapi.json': {
    get: read('This document', ANY, { failures: [], isPublic: true }),
  },
};
