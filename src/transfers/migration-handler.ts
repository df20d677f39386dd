/** Migrations as jobs: an attempt runs the steps that are left; cleaning up takes them back. */
import type { JobContext, JobHandler } from '#jobs/job-handler.ts';
import type { JsonObject } from '#jobs/job.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { describeLeft, failureLeaving } from './left-behind.ts';
import { readCheckpoint } from './migration-checkpoint.ts';
import type { MigrationParts } from './migration-parts.ts';
import { MigrationRun } from './migration-run.ts';
import { MIGRATION_KIND, readSpec } from './migration-spec.ts';

export class MigrationHandler implements JobHandler {
  readonly kind = MIGRATION_KIND;
  readonly #parts: MigrationParts;

  constructor(parts: MigrationParts) {
    this.#parts = parts;
  }

  async run(context: JobContext): Promise<JsonObject> {
    const { sources, targets } = this.#parts;
    const { signal, secrets } = context;
    const spec = readSpec(context.job);
    await using source = await sources.open(spec.source, secrets, signal);
    context.log('info', `${source.product} is connected`);
    const log = context.log.bind(context);
    // A target that takes long says so through the run, which is made of it.
    const begun: { run?: MigrationRun } = {};
    const step = (message: string) => begun.run?.progress.say(message);
    await using target = await targets.open(spec.destination, { secrets, log, step }, signal);
    const run = new MigrationRun({ ...this.#parts, context, spec, source, target });
    begun.run = run;
    try {
      return await run.toEnd();
    } catch (thrown) {
      // Whoever stopped it knows, and what was cancelled is taken back.
      if (signal.aborted || !(thrown instanceof DroverError)) throw thrown;
      const { id } = context.job;
      throw failureLeaving(thrown, { left: describeLeft(run.checkpoint), id });
    }
  }

  /** The target first: the source may come up again only when nothing of the copy runs. */
  async cleanUp(context: JobContext): Promise<readonly string[]> {
    const { sources, targets, copier, preparer } = this.#parts;
    const { signal, secrets } = context;
    const spec = readSpec(context.job);
    const { target: vm, vm: sourceVm, places, stoppedSource } = readCheckpoint(context.checkpoint);
    const done: string[] = [];
    if (vm !== undefined) {
      const job = { secrets, log: context.log.bind(context), step: () => undefined };
      await using target = await targets.open(spec.destination, job, signal);
      done.push(...(await target.remove(vm, signal)));
      for (const { path } of places ?? []) await copier.settle(path);
      await preparer.settle(places ?? []);
    }
    if (stoppedSource === true && sourceVm !== undefined) {
      try {
        await using source = await sources.open(spec.source, secrets, signal);
        await source.powerOn(sourceVm.ref, signal);
        done.push(`powered ${sourceVm.name} on again at the source`);
      } catch (thrown) {
        const why = toDroverError(thrown).message;
        context.log('warn', `${sourceVm.name} stays off at the source: ${why}`);
      }
    }
    return done;
  }
}
