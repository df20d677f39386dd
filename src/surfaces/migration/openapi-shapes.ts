/** What is sent and answered, for the OpenAPI document. */
import { JOB_STATES } from '#jobs/job.ts';
import { RUN_STATES, MISSED_POLICIES, OVERLAP_POLICIES } from '#schedules/schedule.ts';
import { JOB_REQUEST, LOGIN } from './openapi-job.ts';
import {
  ANY,
  answerOf,
  FLAG,
  listOf,
  NUMBER,
  orNull,
  reference,
  shape,
  TEXT,
  TIME,
  WHOLE,
  type Json,
} from '#surfaces/edge/openapi-kinds.ts';
import { MIGRATION_EVENT_TYPES } from './webhooks/migration-format.ts';

const STATUS = { type: 'string', enum: [...JOB_STATES] };
const TEXTS = listOf(TEXT);

export const STATUSES = { oneOf: [STATUS, listOf(STATUS)] };

export const SCHEMAS: Json = {
  Error: answerOf({
    error: TEXT,
    code: { ...TEXT, description: 'One of the kinds in docs/errors.md' },
    ...{ message: TEXT, details: listOf(ANY), request_id: TEXT },
  }),
  Counts: answerOf({
    ...{ total_jobs: WHOLE, running_jobs: WHOLE, completed_jobs: WHOLE, failed_jobs: WHOLE },
    ...{ cancelled_jobs: WHOLE, pending_jobs: WHOLE },
    ...{ worker_count: WHOLE, active_workers: WHOLE, version: TEXT, uptime: TEXT },
  }),
  JobRequest: JOB_REQUEST,
  Progress: shape({
    ...{ stage: TEXT, percent_complete: NUMBER, current_bytes: WHOLE, total_bytes: orNull(WHOLE) },
    ...{ phase: TEXT, bytes_downloaded: WHOLE, bytes_transferred: WHOLE },
    ...{ bytes_per_second: orNull(WHOLE), transfer_rate_mbps: orNull(NUMBER) },
    estimated_remaining: { ...orNull(WHOLE), description: 'Seconds' },
    ...{ current_step: orNull(TEXT), files_downloaded: WHOLE, total_files: WHOLE },
    disks: listOf(
      shape({
        ...{ name: TEXT, current_bytes: WHOLE, total_bytes: orNull(WHOLE) },
        percent_complete: orNull(NUMBER),
      }),
    ),
  }),
  Job: shape({
    definition: {
      ...shape({ id: TEXT, name: orNull(TEXT), vm_path: TEXT, created_at: TIME }),
      additionalProperties: true,
    },
    ...{ status: STATUS, progress: reference('Progress') },
    ...{ started_at: orNull(TIME), completed_at: orNull(TIME), updated_at: TIME },
    ...{ error: orNull(TEXT), last_error: orNull(ANY), result: orNull(ANY) },
    ...{ attempts: WHOLE, max_attempts: WHOLE, next_attempt_at: orNull(TIME) },
    ...{ cancel_requested: FLAG, controls: ANY, worker: orNull(TEXT) },
    commands: { ...TEXTS, description: 'What may be asked of it now' },
  }),
  ScheduleRequest: {
    type: 'object',
    properties: {
      ...{ id: TEXT, name: TEXT, description: TEXT, timezone: TEXT, enabled: FLAG },
      schedule: { ...TEXT, description: 'A cron expression, such as 0 2 * * *' },
      job_template: reference('JobRequest'),
      missed: { ...TEXT, enum: [...MISSED_POLICIES] },
      overlap: { ...TEXT, enum: [...OVERLAP_POLICIES] },
      jitter: { oneOf: [NUMBER, TEXT], description: 'Seconds, or such as 5m' },
      tags: TEXTS,
    },
  },
  Schedule: shape({
    ...{ id: TEXT, name: TEXT, schedule: TEXT, enabled: FLAG, job_template: ANY },
    ...{ last_run: orNull(TIME), next_run: orNull(TIME), run_count: WHOLE, description: TEXT },
    ...{ timezone: TEXT, missed: TEXT, overlap: TEXT, jitter: NUMBER, tags: TEXTS },
    ...{ successful_runs: WHOLE, failed_runs: WHOLE, created_at: TIME, updated_at: TIME },
  }),
  Run: shape({
    ...{ sequence: WHOLE, schedule_id: TEXT, due_at: TIME, manual: FLAG },
    ...{ status: { ...TEXT, enum: [...RUN_STATES] }, job_id: orNull(TEXT) },
    ...{ started_at: orNull(TIME), ended_at: orNull(TIME), message: orNull(TEXT) },
  }),
  WebhookRequest: {
    type: 'object',
    required: ['url'],
    properties: {
      url: { ...TEXT, format: 'uri' },
      events: listOf({ ...TEXT, enum: [...MIGRATION_EVENT_TYPES, 'job.created', '*'] }),
      timeout: { oneOf: [NUMBER, TEXT], description: 'Seconds, or such as 10s; at most 60' },
      ...{ retry_count: WHOLE, enabled: FLAG, headers: ANY, secret: TEXT },
    },
  },
  Webhook: shape({
    ...{ url: TEXT, events: TEXTS, enabled: FLAG, timeout: NUMBER, retry_count: orNull(WHOLE) },
    headers: { ...ANY, description: 'Their names; the values are not shown' },
    ...{ id: TEXT, index: WHOLE, signed: FLAG, created_at: TIME, delivery: ANY },
    source: { ...TEXT, enum: ['config', 'api'] },
  }),
  Attempt: answerOf({
    ...{ message: TEXT, success: FLAG, delivered: FLAG, status: orNull(WHOLE) },
    ...{ error: orNull(TEXT), latency_ms: WHOLE, answer: orNull(TEXT) },
  }),
  VmsRequest: {
    type: 'object',
    properties: {
      ...{ ...LOGIN, pattern: TEXT },
      source: {
        type: 'object',
        description: 'As jobs have it; of the type file also without a path, for all that there is',
        properties: { type: TEXT, path: TEXT, ...LOGIN },
      },
    },
  },
  VmRequest: { type: 'object', required: ['vm_path'], properties: { vm_path: TEXT, ...LOGIN } },
  Vm: {
    ...shape({
      ...{ name: TEXT, path: TEXT, power_state: TEXT, num_cpu: orNull(WHOLE) },
      ...{ memory_mb: orNull(WHOLE), storage: orNull(WHOLE), guest_os: orNull(TEXT) },
      ip_address: orNull(TEXT),
    }),
    additionalProperties: true,
  },
  ConnectionRequest: {
    type: 'object',
    properties: {
      ...{ name: TEXT, vcenter_url: TEXT, username: TEXT, password: { ...TEXT, writeOnly: true } },
      ...{ datacenter: TEXT, insecure: FLAG, thumbprint: TEXT, ca: TEXT },
    },
  },
  Connection: shape({
    ...{ name: TEXT, type: TEXT, vcenter_url: TEXT, username: TEXT, has_password: FLAG },
    ...{ datacenter: orNull(TEXT), insecure: FLAG, thumbprint: orNull(TEXT), ca: orNull(TEXT) },
    ...{ created_at: TIME, updated_at: TIME },
  }),
};
