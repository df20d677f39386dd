/**
 * A request for a migration, as this API documents it and as clients of the program before it
 * write it, becomes a request for a job. All that is wrong is told at once.
 */
import type { JobRequest } from '#jobs/job.ts';
import { whole } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import type { JobId } from '#kernel/ids.ts';
import { jobId, shortText, vmPath } from './migration-fields.ts';
import { FAN_OUT_KIND, MIGRATION_KIND, type MigrationSpec } from './migration-spec.ts';
import { destinationName, OUTPUT_FIELDS, readDestination } from './parse-destination.ts';
import { readOptions } from './parse-options.ts';
import { LOGIN_FIELDS, readSource } from './parse-source.ts';

const GREATEST_PRIORITY = 100;
const MOST_ATTEMPTS = 100;
const MOST_METADATA = 50;
const LONGEST_METADATA = 1024;
const LONGEST_LANE = 200;
const LONGEST_SHOWN = 60;

export const JOB_FIELDS = [
  ...['id', 'name', 'vm_path', 'source', 'destination', 'options', 'priority', 'max_attempts'],
  ...['batch_id', 'metadata'],
];
/** What clients of the program before this one put beside these. */
export const FORMER_JOB_FIELDS = [
  ...['vcenter', 'export_method', 'method', 'compress', ...LOGIN_FIELDS, ...OUTPUT_FIELDS],
];

export function parseMigration(raw: unknown): JobRequest {
  const problems = new Problems();
  const request = readMigration(raw, problems);
  problems.throwAny('the job cannot be taken');
  return request;
}

export interface TemplateOptions {
  /** Of a schedule that is there: secrets that are left out may be those that it has. */
  readonly isChange: boolean;
}

/** What a schedule makes jobs of: they get their ids when they are due. */
export function readJobTemplate(
  raw: unknown,
  problems: Problems,
  options: TemplateOptions,
): JobRequest {
  const { id: _id, ...template } = readMigration(raw, problems, options);
  return template;
}

function readMigration(raw: unknown, problems: Problems, template?: TemplateOptions): JobRequest {
  const fields = FieldReader.over(raw, template === undefined ? 'the job' : 'job_template', {
    known: [...JOB_FIELDS, ...FORMER_JOB_FIELDS],
    problems,
    isRoot: template === undefined,
    // The documented API ignores what it does not know; the surface warns of what looks mistyped.
    isLenient: true,
  });
  const isChange = template?.isChange ?? false;
  const { spec: source, password } = readSource(fields, problems, { isChange });
  const { spec: destination, token } = readDestination(fields, problems, { isChange });
  const spec: MigrationSpec = {
    vmPath: fields.require('vm_path', vmPath, '/').replace(/^\/+/, ''),
    ...{ source, destination },
    options: readOptions(fields, problems),
    metadata: readMetadata(fields),
  };
  const secrets = secretsOf({ password, token });
  assertOneName(spec, fields);
  const id = template === undefined ? fields.optional('id', jobId) : undefined;
  const kind = spec.vmPath.includes('*') ? FAN_OUT_KIND : MIGRATION_KIND;
  return {
    ...(id !== undefined && { id: id as JobId }),
    kind,
    name: fields.optional('name', shortText),
    subject: spec.vmPath,
    spec: { ...spec },
    ...(secrets !== undefined && { secrets }),
    priority: fields.optional('priority', whole(-GREATEST_PRIORITY, GREATEST_PRIORITY)),
    maxAttempts: fields.optional('max_attempts', whole(1, MOST_ATTEMPTS)),
    batchId: fields.optional('batch_id', jobId),
    // One for many waits for them, and must not take the room that they need.
    lanes: problems.isEmpty && kind === MIGRATION_KIND ? lanesOf(spec) : [],
  };
}

function assertOneName({ vmPath, options }: MigrationSpec, fields: FieldReader): void {
  if (!vmPath.includes('*') || options.targetName === undefined) return;
  fields.refuse(
    'options.target_name',
    'must be left out where vm_path stands for many VMs, which cannot all have one name',
  );
}

function secretsOf(found: {
  readonly password: string | undefined;
  readonly token: string | undefined;
}): Readonly<Record<string, string>> | undefined {
  const given = Object.entries(found).flatMap(([name, text]): [string, string][] =>
    text === undefined ? [] : [[name, text]],
  );
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** What it shares with others, as far as is known before the source was asked. */
export function lanesOf({ source, destination }: MigrationSpec): readonly string[] {
  const lanes = [`destination:${destinationName(destination)}`];
  if (source.kind === 'vsphere') lanes.push(`vcenter:${source.connection ?? hostOf(source.url)}`);
  if (source.kind === 'default') lanes.push('vcenter:(default)');
  return lanes.map((lane) => lane.slice(0, LONGEST_LANE));
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function readMetadata(fields: FieldReader): Record<string, string> {
  const raw = fields.raw('metadata') ?? {};
  if (typeof raw !== 'object' || Array.isArray(raw)) {
    fields.refuse('metadata', 'must be a map of texts');
    return {};
  }
  const said = Object.entries(raw).filter(([, value]) => value !== null);
  if (said.length > MOST_METADATA) {
    fields.refuse('metadata', `must have at most ${MOST_METADATA} entries`);
    return {};
  }
  const texts = said.flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    const isShort = isPlain && key.length + String(value).length <= LONGEST_METADATA;
    if (isShort) return [[key, String(value)]];
    const field = `metadata.${key.slice(0, LONGEST_SHOWN)}`;
    const most = `of ${LONGEST_METADATA} letters at most with its name`;
    fields.refuse(field, `must be a text, a number, true or false, ${most}`);
    return [];
  });
  return Object.fromEntries(texts);
}
