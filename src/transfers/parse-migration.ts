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
import { destinationName, readDestination } from './parse-destination.ts';
import { readOptions } from './parse-options.ts';
import { readSource } from './parse-source.ts';

const GREATEST_PRIORITY = 100;
const MOST_ATTEMPTS = 100;
const MOST_METADATA = 50;
const LONGEST_METADATA = 1024;
const LONGEST_LANE = 200;

const KEYS = [
  ...['id', 'name', 'vm_path', 'source', 'destination', 'options', 'priority', 'max_attempts'],
  ...['batch_id', 'metadata'],
];

export interface ParseMigrationOptions {
  /** Of a schedule: its jobs get their ids when they are due. */
  readonly isTemplate?: boolean;
}

export function parseMigration(
  raw: unknown,
  { isTemplate = false }: ParseMigrationOptions = {},
): JobRequest {
  const problems = new Problems();
  const fields = FieldReader.over(raw, 'the job', {
    known: KEYS,
    problems,
    isRoot: true,
    // The documented API ignores what it does not know; the surface warns of what looks mistyped.
    ignoresUnknown: true,
  });
  const { spec: source, password } = readSource(fields, problems);
  const spec: MigrationSpec = {
    vmPath: fields.require('vm_path', vmPath, '/').replace(/^\/+/, ''),
    source,
    destination: readDestination(fields, problems),
    options: readOptions(fields, problems),
    metadata: readMetadata(fields, problems),
  };
  const id = isTemplate ? undefined : fields.optional('id', jobId);
  const request: JobRequest = {
    ...(id !== undefined && { id: id as JobId }),
    kind: spec.vmPath.includes('*') ? FAN_OUT_KIND : MIGRATION_KIND,
    name: fields.optional('name', shortText),
    subject: spec.vmPath,
    spec: { ...spec },
    ...(password !== undefined && { secrets: { password } }),
    priority: fields.optional('priority', whole(-GREATEST_PRIORITY, GREATEST_PRIORITY)),
    maxAttempts: fields.optional('max_attempts', whole(1, MOST_ATTEMPTS)),
    batchId: fields.optional('batch_id', jobId),
    lanes: problems.isEmpty ? lanesOf(spec) : [],
  };
  problems.throwAny('the job cannot be taken');
  return request;
}

/** What it shares with others, as far as is known before the source was asked. */
function lanesOf({ source, destination }: MigrationSpec): readonly string[] {
  const lanes = [`destination:${destinationName(destination)}`];
  if (source.kind === 'vsphere') lanes.push(`vcenter:${source.connection ?? hostOf(source.url)}`);
  if (source.kind === 'default') lanes.push('vcenter:(default)');
  return lanes.map((lane) => lane.slice(0, LONGEST_LANE));
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function readMetadata(fields: FieldReader, problems: Problems): Record<string, string> {
  const raw = fields.raw('metadata') ?? {};
  const entries = typeof raw === 'object' && !Array.isArray(raw) ? Object.entries(raw) : undefined;
  const texts = (entries ?? []).map(([key, value]): [string, string] => [key, String(value)]);
  const isShort = texts.every(([key, text]) => key.length + text.length <= LONGEST_METADATA);
  if (entries === undefined || texts.length > MOST_METADATA || !isShort) {
    problems.add('metadata', `must be a map of at most ${MOST_METADATA} short texts`);
    return {};
  }
  return Object.fromEntries(texts);
}
