/** Looks before a start, and changes nothing: by itself, or as the first step of a job. */
import type { Finding } from './finding.ts';
import type { MigrationParts } from './migration-parts.ts';
import { readSpec, type MigrationSpec } from './migration-spec.ts';
import { describeObstacle, firstWay } from './open-export.ts';
import { parseMigration } from './parse-migration.ts';
import { noVmMatches } from './no-vm-matches.ts';
import { planTarget } from './plan-target.ts';
import { runSome } from './run-some.ts';
import { findInSource } from './source-findings.ts';
import type { SourceVm } from './source-vm.ts';
import type { PrivilegeNeeds, Source } from './source.ts';
import type { Target, TargetVm } from './target.ts';

/** The way to read disks that the request names is not to be had. */
export const METHOD_UNAVAILABLE = 'method-unavailable';

/** Of a pattern, so many VMs are looked at: each costs some calls to its source. */
const MOST_VMS = 200;
const VMS_AT_ONCE = 4;

/** Of a request as it would be submitted. */
export async function runPreflight(
  { sources, targets }: Pick<MigrationParts, 'sources' | 'targets'>,
  raw: unknown,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { spec: stored, secrets = {} } = parseMigration(raw);
  const spec = readSpec({ spec: stored });
  await using source = await sources.open(spec.source, secrets, signal);
  await using target = await targets.open(
    spec.destination,
    { secrets, log: () => undefined, step: () => undefined },
    signal,
  );
  if (spec.vmPath.includes('*')) return await lookAtAll({ spec, source, target }, signal);
  return await lookAt(spec.vmPath, { spec, source, target }, signal);
}

type Ends = Pick<FindingQuery, 'spec' | 'source' | 'target'>;

async function lookAt(path: string, ends: Ends, signal: AbortSignal): Promise<readonly Finding[]> {
  const vm = await ends.source.findVm(path, signal);
  const plan = planTarget(vm, ends.spec, { owner: '(preflight)', hasVirtio: false });
  return await collectFindings({ ...ends, vm, plan }, signal);
}

/** Of each VM that the pattern matches, as there will be a job for each. */
async function lookAtAll(ends: Ends, signal: AbortSignal): Promise<readonly Finding[]> {
  const { vmPath } = ends.spec;
  const listed = await ends.source.listVms({ pattern: vmPath }, signal);
  const paths = listed.filter(({ isTemplate }) => !isTemplate).map(({ path }) => path);
  if (paths.length === 0) throw noVmMatches(vmPath);
  const findings: Finding[] = [];
  await runSome(paths.slice(0, MOST_VMS), VMS_AT_ONCE, signal, async (path, its) => {
    for (const finding of await lookAt(path, ends, its)) {
      const { subject } = finding;
      findings.push({ ...finding, subject: subject === undefined ? path : `${path}: ${subject}` });
    }
  });
  if (paths.length > MOST_VMS) findings.push(tooMany(paths.length));
  return findings.toSorted((one, other) => compareText(one.subject, other.subject));
}

function tooMany(count: number): Finding {
  return {
    ...{ code: 'not-all-checked', severity: 'warning', subject: undefined },
    message: `${count} VMs match, and only the first ${MOST_VMS} were looked at`,
    remedy: 'check a narrower path; each job checks its own VM again before it begins',
  };
}

function compareText(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

interface FindingQuery {
  readonly vm: SourceVm;
  readonly plan: TargetVm;
  readonly spec: MigrationSpec;
  readonly source: Source;
  readonly target: Target;
}

export async function collectFindings(
  { vm, plan, spec, source, target }: FindingQuery,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const missing = await source.missingPrivileges(vm.ref, needsOf({ vm, spec, source }), signal);
  const privileges: readonly Finding[] = (missing ?? []).map((name) => ({
    code: 'privilege-missing',
    severity: 'error',
    subject: name,
    message: `the account lacks the privilege ${name}`,
    remedy: 'grant it on the VM and on its datastores',
  }));
  const here = await target.check(plan, vm, signal);
  return [...findInSource(vm, spec), ...findMethod(source, spec), ...privileges, ...here];
}

/** Of a VM that will be off by the time its disks are opened. */
function needsOf({ vm, spec, source }: Omit<FindingQuery, 'plan' | 'target'>): PrivilegeNeeds {
  const { power, removesCdroms } = spec.options;
  const isOff = vm.powerState === 'poweredOff';
  return {
    transport: firstWay({ source, spec, vm: { ...vm, powerState: 'poweredOff' } }),
    stopsVm: !isOff && power !== 'require-off',
    removesCdroms,
  };
}

/** Which way suits the VM shows when its disks are opened, after it was shut down. */
function findMethod(source: Source, { options }: MigrationSpec): readonly Finding[] {
  const { transport } = options;
  if (transport === 'auto' || source.transports.includes(transport)) return [];
  const { message, remedy } = describeObstacle(source, transport);
  return [{ code: METHOD_UNAVAILABLE, severity: 'error', subject: transport, message, remedy }];
}
