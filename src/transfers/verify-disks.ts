/** Reads every image back and compares it with what came, before anybody relies on it. */
import type { MigrationRun } from './migration-run.ts';
import { runSome } from './run-some.ts';
import type { DiskPlace, TargetVm } from './target.ts';

export interface VerifyPlan {
  readonly places: readonly DiskPlace[];
  readonly plan: TargetVm;
}

export async function verifyDisks(run: MigrationRun, { places, plan }: VerifyPlan): Promise<void> {
  const { context, spec, copier } = run.parts;
  const { parallelDisks } = spec.options;
  await runSome(plan.disks, parallelDisks, context.signal, async (disk, signal) => {
    const { key, format, capacityBytes } = disk;
    const place = places.find((each) => each.key === key);
    const copied = run.checkpoint.copied[key];
    const isVerified = run.checkpoint.verified[key] !== undefined;
    if (place === undefined || copied === undefined || isVerified) {
      run.progress.advance(key, capacityBytes);
      return;
    }
    const { contentDigest } = await copier.verify(
      { path: place.path, format, capacityBytes, journalBytes: copied.journalBytes },
      { signal, onProgress: (doneBytes) => run.progress.advance(key, doneBytes) },
    );
    run.progress.advance(key, capacityBytes);
    await run.save({ verified: { ...run.checkpoint.verified, [key]: contentDigest } });
  });
}
