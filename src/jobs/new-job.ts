/** A request becomes a job: bounds, defaults, secrets sealed, and what tells a repetition. */
import { invalidArgument } from '#kernel/errors.ts';
import { createJobId, isJobId, type JobId } from '#kernel/ids.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { submittedEvent } from './job-events.ts';
import { DEFAULT_ATTEMPTS } from './job-retry.ts';
import type { NewJob } from './job-store.ts';
import type { Job, JobRequest } from './job.ts';

const MOST_SPEC_BYTES = 256 * 1024;
const MOST_SECRET_BYTES = 64 * 1024;
const MOST_LANES = 8;
const MOST_ATTEMPTS = 100;
const MOST_PRIORITY = 100;
const LATEST = Date.UTC(9999, 0);
const KIND = /^[a-z][a-z0-9-]{0,62}$/;
const BATCH_ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
/** NUL and half surrogate pairs, which not every database takes. */
const UNFIT = /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

export interface JobMaking {
  readonly secretBox: SecretBox;
  readonly nowMs: number;
  readonly kinds: ReadonlySet<string>;
  /** `jobs.3.` before the names of fields, or nothing. */
  readonly path: string;
}

export function makeJob(request: JobRequest, making: JobMaking): NewJob {
  const { nowMs, secretBox, path } = making;
  checkFields(request, making);
  const { lanes = [], secrets = {} } = request;
  const id = request.id ?? createJobId();
  const job: Job = {
    id,
    kind: request.kind,
    name: request.name,
    subject: request.subject,
    spec: request.spec,
    sealedSecrets: sealSecrets(secretBox, id, secrets),
    priority: request.priority ?? 0,
    lanes,
    batchId: request.batchId,
    scheduleId: request.scheduleId,
    state: 'pending',
    isCancelRequested: false,
    attempt: 0,
    maxAttempts: request.maxAttempts ?? DEFAULT_ATTEMPTS,
    progress: undefined,
    error: undefined,
    result: undefined,
    controls: {},
    createdAt: nowMs,
    startedAt: undefined,
    endedAt: undefined,
    updatedAt: nowMs,
    runAfter: request.runAfter ?? nowMs,
    leasedBy: undefined,
    leasedUntil: 0,
  };
  checkText(`${path}spec`, JSON.stringify(request.spec), MOST_SPEC_BYTES);
  const contentHash = request.id === undefined ? undefined : contentHashOf(secretBox, id, request);
  return { job, contentHash, event: submittedEvent(job) };
}

export function secretsPlace(id: JobId): string {
  return `jobs.${id}`;
}

function sealSecrets(
  secretBox: SecretBox,
  id: JobId,
  secrets: Readonly<Record<string, string>>,
): string | undefined {
  if (Object.keys(secrets).length === 0) return undefined;
  return secretBox.seal(JSON.stringify(secrets), secretsPlace(id));
}

function contentHashOf(secretBox: SecretBox, id: JobId, request: JobRequest): string {
  const { id: _, ...content } = request;
  return secretBox.fingerprint(JSON.stringify(sorted(content)), secretsPlace(id));
}

/** Two objects with the same fields are the same, in whatever order they were written. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, part]) => [name, sorted(part)]));
}

function checkFields(request: JobRequest, { kinds, path }: JobMaking): void {
  const { id, kind, name, subject, secrets = {}, priority, lanes = [], maxAttempts } = request;
  const { batchId, runAfter } = request;
  check(id === undefined || isJobId(id), `${path}id`, '1 to 128 letters, digits or _ . : -');
  check(KIND.test(kind) && kinds.has(kind), `${path}kind`, [...kinds].join(' or '));
  if (name !== undefined) checkLine(`${path}name`, name, 256);
  checkLine(`${path}subject`, subject, 2048);
  checkText(`${path}secrets`, JSON.stringify(secrets), MOST_SECRET_BYTES);
  checkNumber(`${path}priority`, priority, [-MOST_PRIORITY, MOST_PRIORITY]);
  checkNumber(`${path}max_attempts`, maxAttempts, [1, MOST_ATTEMPTS]);
  checkNumber(`${path}run_after`, runAfter, [0, LATEST]);
  check(lanes.length <= MOST_LANES, `${path}lanes`, `at most ${MOST_LANES}`);
  for (const lane of lanes) checkLine(`${path}lanes`, lane, 1024);
  check(new Set(lanes).size === lanes.length, `${path}lanes`, 'each named once');
  const isBatchId = batchId === undefined || BATCH_ID.test(batchId);
  check(isBatchId, `${path}batch_id`, '1 to 128 letters, digits or _ . : -');
}

function check(isRight: boolean, field: string, what: string): void {
  if (!isRight) throw invalidArgument(field, `must be ${what}`);
}

function checkNumber(
  field: string,
  value: number | undefined,
  [least, most]: readonly [number, number],
): void {
  const isRight =
    value === undefined || (Number.isInteger(value) && value >= least && value <= most);
  check(isRight, field, `a whole number from ${least} to ${most}`);
}

function checkLine(field: string, text: string, mostLength: number): void {
  const isRight = text.length > 0 && text.length <= mostLength && !/\p{Cc}/u.test(text);
  check(isRight && text.isWellFormed(), field, `1 to ${mostLength} characters on one line`);
}

function checkText(field: string, json: string, mostBytes: number): void {
  check(Buffer.byteLength(json) <= mostBytes, field, `at most ${mostBytes} bytes of JSON`);
  check(!UNFIT.test(json), field, 'without NUL and halves of characters');
}
