/**
 * One attempt at a migration.
 *
 *   discover ─▶ preflight ─▶ stop ─▶ transfer ─▶ verify ─▶ prepare ─▶ send ─▶ adopt
 *                                                                               │
 *                                                     done ◀─ start ◀─ define ◀─┘
 *
 * Each step can be done again: it looks into the checkpoint for what an earlier attempt has done,
 * writes down what it will leave behind, does it, and writes down that it is done. The source is
 * read, and apart from being shut down where the job says so, never changed.
 */
import type { JobContext } from '#jobs/job-handler.ts';
import type { JsonObject } from '#jobs/job.ts';
import { DroverError } from '#kernel/errors.ts';
import { copyDisks } from './copy-disks.ts';
import type { Finding } from './finding.ts';
import type { Preparation } from './guest-preparer.ts';
import { readCheckpoint, type MigrationCheckpoint } from './migration-checkpoint.ts';
import type { MigrationParts } from './migration-parts.ts';
import { MigrationProgress, type Stage } from './migration-progress.ts';
import type { MigrationSpec } from './migration-spec.ts';
import { planTarget } from './plan-target.ts';
import { collectFindings, METHOD_UNAVAILABLE } from './preflight.ts';
import { sendDisks } from './send-disks.ts';
import type { SourceVm } from './source-vm.ts';
import type { Source } from './source.ts';
import { stopSource } from './stop-source.ts';
import type { Target, TargetVm } from './target.ts';
import { verifyDisks } from './verify-disks.ts';

export interface RunParts extends MigrationParts {
  readonly context: JobContext;
  readonly spec: MigrationSpec;
  readonly source: Source;
  readonly target: Target;
}

const UNPREPARED: Preparation = { hasVirtio: false, findings: [] };

export class MigrationRun {
  readonly parts: RunParts;
  readonly progress: MigrationProgress;
  #checkpoint: MigrationCheckpoint;

  constructor(parts: RunParts) {
    this.parts = parts;
    const { clock, context } = parts;
    const report = context.report.bind(context);
    this.progress = new MigrationProgress({ clock, report });
    this.#checkpoint = readCheckpoint(context.checkpoint);
  }

  get checkpoint(): MigrationCheckpoint {
    return this.#checkpoint;
  }

  async save(change: Partial<MigrationCheckpoint>): Promise<void> {
    this.#checkpoint = { ...this.#checkpoint, ...change };
    await this.parts.context.saveCheckpoint({ ...this.#checkpoint });
  }

  async toEnd(): Promise<JsonObject> {
    const { context, spec } = this.parts;
    const vm = await this.#discover();
    const plan = planTarget(vm, spec, { owner: context.job.id, hasVirtio: false });
    const findings = await this.#preflight(vm, plan);
    if (spec.options.isDryRun) {
      this.#enter('done');
      return { dry_run: true, vm_name: vm.name, findings };
    }
    await this.#stop(vm);
    await this.#transfer({ ...vm, powerState: 'poweredOff' }, plan);
    const { hasVirtio, findings: more } = await this.#prepare(plan);
    const prepared = planTarget(vm, spec, { owner: context.job.id, hasVirtio });
    await this.#send(prepared);
    await this.#adopt(prepared);
    const summary = await this.#define(prepared);
    await this.#start();
    this.#enter('done');
    return this.#result(vm, { findings: [...findings, ...more], summary });
  }

  async #discover(): Promise<SourceVm> {
    const { source, spec, context } = this.parts;
    this.#enter('discover');
    const vm = await source.findVm(spec.vmPath, context.signal);
    const before = this.#checkpoint.vm;
    if (before !== undefined) assertSameDisks(before, vm);
    else await this.save({ vm });
    this.progress.setParts(
      vm.disks.map(({ key, label, capacityBytes }) => ({
        key,
        name: label,
        totalBytes: capacityBytes,
      })),
    );
    if (vm.hostRef !== undefined) await context.enterLane(`esxi:${vm.hostRef}`);
    return vm;
  }

  async #preflight(vm: SourceVm, plan: TargetVm): Promise<readonly Finding[]> {
    const { context, spec, source, target } = this.parts;
    // The disks lie where they belong by now: they would be found to be in their own way.
    if (this.#checkpoint.isAdopted === true) return [];
    this.#enter('preflight');
    const findings = await collectFindings({ vm, plan, spec, source, target }, context.signal);
    this.#tell(findings);
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0 && !spec.options.isDryRun) throw preflightFailed(errors);
    return findings;
  }

  async #stop(vm: SourceVm): Promise<void> {
    const { context, source, spec } = this.parts;
    const { options } = spec;
    if (vm.powerState === 'poweredOn') {
      // The copy is another's by now, and may run: it is not to be written over.
      if (this.#checkpoint.isAdopted === true) throw runsAgain(vm);
      this.#enter('stop', `waiting for ${vm.name} to be off`);
      // What an earlier attempt copied is of disks that have been written to since.
      await this.#forgetCopies({ stoppedSource: true });
      await stopSource(this.parts, vm);
    } else if (this.#hasChanged(vm)) {
      context.log('warn', `${vm.name} ran or was changed since: its disks are copied anew`);
      await this.#forgetCopies();
    }
    const hasCdroms = options.removesCdroms && vm.cdroms.length > 0;
    if (hasCdroms) await source.removeCdroms(vm.ref, context.signal);
    const { sourceState, isAdopted } = this.#checkpoint;
    if (sourceState !== undefined || isAdopted === true) return;
    // What this job itself did to the VM is no change of somebody else's.
    const isTouched = vm.powerState === 'poweredOn' || hasCdroms;
    const { state } = isTouched ? await source.findVm(spec.vmPath, context.signal) : vm;
    await this.save({ sourceState: state });
  }

  /** A copy that was adopted stays: it may have been changed itself by now. */
  #hasChanged({ state }: SourceVm): boolean {
    const { sourceState, isAdopted } = this.#checkpoint;
    return isAdopted !== true && sourceState !== undefined && sourceState !== state;
  }

  async #forgetCopies(change: Partial<MigrationCheckpoint> = {}): Promise<void> {
    const { preparer, copier } = this.parts;
    const { places = [] } = this.#checkpoint;
    const forgotten = { copied: {}, verified: {}, preparation: undefined };
    await this.save({ ...change, ...forgotten, sourceState: undefined });
    await preparer.settle(places);
    for (const { path } of places) await copier.settle(path);
  }

  async #transfer(vm: SourceVm, plan: TargetVm): Promise<void> {
    const { context, spec, target } = this.parts;
    await this.save({ target: plan });
    const places = this.#checkpoint.places ?? (await target.placeDisks(plan, context.signal));
    await this.save({ places });
    if (places.some(({ isSentOn }) => isSentOn === true)) this.progress.expectSending();
    this.#enter('transfer');
    await copyDisks(this, { vm, places, plan });
    if (!spec.options.verifies) return;
    this.#enter('verify');
    await verifyDisks(this, { places, plan });
  }

  /** A folder gets the disks as they were: what is in it says what they hold. */
  async #prepare(plan: TargetVm): Promise<Preparation> {
    const { context, target, spec, preparer } = this.parts;
    const { preparation, isAdopted, places = [] } = this.#checkpoint;
    if (isAdopted === true) return preparation ?? UNPREPARED;
    if (target.kind === 'file' || spec.options.prepare === 'never') return UNPREPARED;
    this.#enter('prepare');
    const { signal } = context;
    const log = context.log.bind(context);
    const prepared = preparation ?? (await preparer.prepare(plan, places, { signal, log }));
    await this.save({ preparation: prepared });
    await preparer.settle(places);
    this.#tell(prepared.findings);
    return prepared;
  }

  #tell(findings: readonly Finding[]): void {
    for (const { severity, message } of findings) {
      const level = severity === 'error' ? 'error' : severity === 'warning' ? 'warn' : 'info';
      this.parts.context.log(level, message);
    }
  }

  /** The stage begins when it is known how much there is to be sent. */
  async #send(plan: TargetVm): Promise<void> {
    const { target, context } = this.parts;
    if (target.sendDisks === undefined || this.#checkpoint.isAdopted === true) return;
    context.signal.throwIfAborted();
    await sendDisks(this, plan);
  }

  async #adopt(plan: TargetVm): Promise<void> {
    const { context, target, copier } = this.parts;
    if (this.#checkpoint.isAdopted === true) return;
    this.#enter('adopt');
    const places = this.#checkpoint.places ?? [];
    for (const { path } of places) await copier.settle(path);
    await target.adoptDisks(plan, places, context.signal);
    await this.save({ isAdopted: true });
  }

  async #define(plan: TargetVm): Promise<JsonObject> {
    const { context, target } = this.parts;
    this.#enter('define');
    const { places = [], verified } = this.#checkpoint;
    const checked = places.map((place) => ({ ...place, contentDigest: verified[place.key] }));
    const defined = await target.define(plan, checked, context.signal);
    await this.save({ defined });
    context.log('info', `${plan.name} is defined`);
    return defined.summary;
  }

  async #start(): Promise<void> {
    const { context, target, spec } = this.parts;
    const { starts, bootTimeoutMs } = spec.options;
    const { defined, isStarted } = this.#checkpoint;
    if (!starts || target.kind === 'file' || defined === undefined) return;
    this.#enter('start');
    if (isStarted !== true) {
      await target.start(defined.ref, context.signal);
      await this.save({ isStarted: true });
    }
    if (bootTimeoutMs === undefined) return;
    const sign = await target.awaitBoot(defined.ref, bootTimeoutMs, context.signal);
    context.log('info', `the guest is up: ${sign}`);
  }

  #result(vm: SourceVm, found: { readonly findings: readonly Finding[]; summary: JsonObject }) {
    const { copied, verified, transport, target } = this.#checkpoint;
    const copies = Object.values(copied);
    return {
      vm_name: vm.name,
      target_name: target?.name,
      export_method: transport,
      total_bytes: vm.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0),
      received_bytes: copies.reduce((sum, copy) => sum + copy.receivedBytes, 0),
      written_bytes: copies.reduce((sum, copy) => sum + copy.writtenBytes, 0),
      disk_digests: verified,
      warnings: found.findings.filter(({ severity }) => severity === 'warning'),
      ...found.summary,
    };
  }

  #enter(stage: Stage, message?: string): void {
    this.parts.context.signal.throwIfAborted();
    this.progress.enter(stage, message);
  }
}

function preflightFailed(errors: readonly Finding[]): DroverError {
  const told = errors.map(({ message, remedy }) =>
    remedy === undefined ? message : `${message}: ${remedy}`,
  );
  // Whoever cannot be reached now may be there again at the next attempt.
  const canPass = errors.every(({ code }) => code === 'destination-unreachable');
  const isOfMethod = errors.every(({ code }) => code === METHOD_UNAVAILABLE);
  return new DroverError(canPass ? 'unavailable' : 'failed_precondition', told.join('; '), {
    reason: isOfMethod ? 'TRANSPORT_UNAVAILABLE' : 'PREFLIGHT_FAILED',
    metadata: { codes: errors.map(({ code }) => code).join(',') },
  });
}

function runsAgain({ name }: SourceVm): DroverError {
  return new DroverError(
    'failed_precondition',
    `${name} runs again at its source since it was copied; ` +
      'clean the job up and submit a new one',
    { reason: 'SOURCE_CHANGED' },
  );
}

/** A copy goes on only if it is of the same disks. What they hold, each copy finds out itself. */
function assertSameDisks(before: SourceVm, now: SourceVm): void {
  const shape = ({ ref, disks }: SourceVm) =>
    JSON.stringify([ref, disks.map(({ key, capacityBytes }) => [key, capacityBytes])]);
  if (shape(before) === shape(now)) return;
  throw new DroverError(
    'failed_precondition',
    `the disks of ${now.name} are no longer those that this job began to copy; ` +
      'clean the job up and submit a new one',
    { reason: 'SOURCE_CHANGED' },
  );
}
