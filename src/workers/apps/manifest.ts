/** Parses what an app's manifest says. docs/apps.md explains each key; all defaults are here. */
import { duration, oneOf, size, textMatching, whole } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import { MIB, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { GRANTS, type Grant, type WorkerLimits } from '#workers/worker-app.ts';
import { APP_NAME_RULE, isAppName } from './app-name.ts';
import type { AppPolicy } from './app-policy.ts';
import { APP_ACCESS, type AppManifest, type StaticFiles } from './app.ts';
import { absolutePath, allowedHost, innerPath } from './field-kinds.ts';
import { isWithin } from './granted-directories.ts';
import { readCron, readEnv, readEvents } from './manifest-entries.ts';
import { isVersion, VERSION_RULE } from './semver.ts';

const LEAST_MEMORY = 64 * MIB;
const MOST_HOSTS = 100;
const MOST_DIRECTORIES = 20;
const ENTRYPOINT = /\.[cm]?[jt]s$/;

const KEYS = [
  ...['name', 'version', 'entrypoint', 'isolation', 'access'],
  ...['concurrency', 'min_workers', 'max_workers', 'idle_timeout', 'request_timeout'],
  ...['queue_limit', 'queue_timeout', 'start_timeout', 'max_requests', 'max_memory'],
  ...['env', 'static', 'cron', 'on', 'allowed_hosts', 'grants', 'directories'],
];

const entrypoint = textMatching(
  'a .js, .mjs, .cjs, .ts, .mts or .cts file inside the app',
  (text) => innerPath.parse(text) !== undefined && ENTRYPOINT.test(text),
);

/**
 * The entrypoint stays undefined where none is given: what files there are is for `readManifest`
 * to see, as is where the directories asked for really lie.
 */
export function parseManifest(raw: unknown, policy: AppPolicy): AppManifest {
  const problems = new Problems();
  const fields = FieldReader.over(raw, 'the manifest', { known: KEYS, problems, isRoot: true });
  const manifest: AppManifest = {
    name: fields.require('name', textMatching(APP_NAME_RULE, isAppName), ''),
    version: fields.require('version', textMatching(VERSION_RULE, isVersion), ''),
    entrypoint: fields.optional('entrypoint', entrypoint),
    isolation: readIsolation(fields),
    access: fields.read('access', oneOf(APP_ACCESS), 'token'),
    limits: readLimits(fields, policy),
    env: readEnv(fields, problems),
    statics: readStatics(fields, problems),
    cron: readCron(fields, problems),
    events: readEvents(fields, problems),
    allowedHosts: fields.listOf('allowed_hosts', MOST_HOSTS, allowedHost),
    grants: readGrants(fields, policy),
    ...readDirectories(fields, { policy, problems }),
  };
  problems.throwAny('the manifest is refused');
  return manifest;
}

function readIsolation(fields: FieldReader): 'process' {
  const isolation = fields.read('isolation', oneOf(['process', 'thread']), 'process');
  if (isolation === 'thread') {
    fields.refuse('isolation', "must be process: thread is for the platform's own work");
  }
  return 'process';
}

function readLimits(fields: FieldReader, policy: AppPolicy): WorkerLimits {
  const maxWorkers = fields.read(
    'max_workers',
    whole(1, policy.maxWorkers),
    Math.min(4, policy.maxWorkers),
  );
  const minWorkers = fields.read('min_workers', whole(0, policy.maxWorkers), 0);
  if (minWorkers > maxWorkers) {
    fields.refuse('min_workers', `must not be above max_workers, which is ${maxWorkers}`);
  }
  const maxRequests = fields.read('max_requests', whole(0, 1_000_000_000), 10_000);
  return {
    concurrency: fields.read('concurrency', whole(1, 1000), 10),
    minWorkers,
    maxWorkers,
    idleTimeoutMs: fields.read('idle_timeout', duration(SECOND_MS, DAY_MS), MINUTE_MS),
    requestTimeoutMs: fields.read('request_timeout', duration(1, DAY_MS), 30 * SECOND_MS),
    queueLimit: fields.read('queue_limit', whole(0, 10_000), 100),
    queueTimeoutMs: fields.read('queue_timeout', duration(1, HOUR_MS), 10 * SECOND_MS),
    startTimeoutMs: fields.read('start_timeout', duration(100, 10 * MINUTE_MS), 10 * SECOND_MS),
    maxRequests: maxRequests === 0 ? Infinity : maxRequests,
    maxMemoryBytes: readMemory(fields, policy),
  };
}

function readMemory(fields: FieldReader, { maxMemoryBytes }: AppPolicy): number {
  const asked = fields.read(
    'max_memory',
    size(LEAST_MEMORY, Number.MAX_SAFE_INTEGER),
    Math.min(256 * MIB, maxMemoryBytes),
  );
  if (asked > maxMemoryBytes) {
    const most = Math.floor(maxMemoryBytes / MIB);
    fields.refuse('max_memory', `operators allow at most ${most}MiB (the setting apps.maxMemory)`);
  }
  return asked;
}

function readStatics(fields: FieldReader, problems: Problems): StaticFiles | undefined {
  if (!fields.has('static')) return undefined;
  const known = ['directory', 'fallback'];
  const statics = FieldReader.over(fields.raw('static'), 'static', { known, problems });
  return {
    directory: statics.require('directory', innerPath, 'public'),
    fallback: statics.optional('fallback', innerPath),
  };
}

function readGrants(fields: FieldReader, policy: AppPolicy): readonly Grant[] {
  const grants = new Set(fields.listOf('grants', GRANTS.length, oneOf(GRANTS)));
  for (const grant of grants) {
    if (policy.grants.includes(grant)) continue;
    fields.refuse('grants', `operators do not allow ${grant} (the setting apps.allow)`);
  }
  return [...grants];
}

interface Directories {
  readonly readableDirectories: readonly string[];
  readonly writableDirectories: readonly string[];
}

function readDirectories(
  fields: FieldReader,
  { policy, problems }: { readonly policy: AppPolicy; readonly problems: Problems },
): Directories {
  if (!fields.has('directories')) return { readableDirectories: [], writableDirectories: [] };
  const known = ['read', 'write'];
  const asked = FieldReader.over(fields.raw('directories'), 'directories', { known, problems });
  const read = (name: string) => {
    const paths = asked.listOf(name, MOST_DIRECTORIES, absolutePath);
    for (const path of paths) {
      if (isWithin(path, policy.directories)) continue;
      asked.refuse(name, `operators do not allow ${path} (the setting apps.directories)`);
    }
    return paths;
  };
  return { readableDirectories: read('read'), writableDirectories: read('write') };
}
