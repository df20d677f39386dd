/** Looks before a start, and changes nothing: by itself, or as the first step of a job. */
import type { Finding } from './finding.ts';
import type { MigrationParts } from './migration-parts.ts';
import { readSpec, type MigrationSpec } from './migration-spec.ts';
import { parseMigration } from './parse-migration.ts';
import { planTarget } from './plan-target.ts';
import { findInSource } from './source-findings.ts';
import type { SourceVm } from './source-vm.ts';
import type { Source } from './source.ts';
import type { Target, TargetVm } from './target.ts';

/** Of a request as it would be submitted. */
export async function runPreflight(
  { sources, targets }: Pick<MigrationParts, 'sources' | 'targets'>,
  raw: unknown,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { spec: stored, secrets = {} } = parseMigration(raw);
  const spec = readSpec({ spec: stored });
  await using source = await sources.open(spec.source, secrets, signal);
  await using target = await targets.open(spec.destination, signal);
  const vm = await source.findVm(spec.vmPath, signal);
  const plan = planTarget(vm, spec, { owner: '(preflight)', hasVirtio: false });
  return await collectFindings({ vm, plan, spec, source, target }, signal);
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
  const missing = await source.missingPrivileges(vm.ref, signal);
  const privileges: readonly Finding[] = (missing ?? []).map((name) => ({
    code: 'privilege-missing',
    severity: 'error',
    subject: name,
    message: `the account lacks the privilege ${name}`,
    remedy: 'grant it on the VM and on its datastores',
  }));
  const here = await target.check(plan, vm, signal);
  return [...findInSource(vm, spec), ...privileges, ...here];
}
