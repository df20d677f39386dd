/** The disks of one VM, some at a time, each in a thread. What was copied before stays copied. */
import { DroverError } from '#kernel/errors.ts';
import { joinBandwidth } from './job-bandwidth.ts';
import type { MigrationRun } from './migration-run.ts';
import { openExport } from './open-export.ts';
import { runSome } from './run-some.ts';
import type { SourceVm } from './source-vm.ts';
import type { Export, ExportedDisk } from './source.ts';
import type { DiskPlace, TargetDisk, TargetVm } from './target.ts';

export interface CopyPlan {
  readonly vm: SourceVm;
  readonly places: readonly DiskPlace[];
  readonly plan: TargetVm;
}

export async function copyDisks(run: MigrationRun, copyPlan: CopyPlan): Promise<void> {
  const { source, context, spec } = run.parts;
  const { vm, plan } = copyPlan;
  const isLeft = ({ key }: TargetDisk) => run.checkpoint.copied[key] === undefined;
  for (const { key, capacityBytes } of plan.disks) {
    if (run.checkpoint.copied[key] !== undefined) run.progress.resume(key, capacityBytes);
  }
  if (!plan.disks.some(isLeft)) return;
  const begun = run.checkpoint.transport;
  await using open = await openExport({ source, spec, vm, begun, context });
  await run.save({ transport: open.transport });
  context.log('info', `reading the disks of ${vm.name} over ${open.transport}`);
  const signal = AbortSignal.any([context.signal, open.lost]);
  await runSome(
    plan.disks.filter(isLeft),
    spec.options.parallelDisks,
    signal,
    async (disk, its) => {
      const exported = open.disks.find(({ key }) => key === disk.key);
      if (exported === undefined) throw notExported(disk, vm);
      await copyOne(run, { ...copyPlan, open, disk, exported }, its);
    },
  );
  await open.complete(signal);
}

interface OneCopy extends CopyPlan {
  readonly open: Export;
  readonly disk: TargetDisk;
  readonly exported: ExportedDisk;
}

async function copyOne(run: MigrationRun, copy: OneCopy, signal: AbortSignal): Promise<void> {
  const { copier, context, spec } = run.parts;
  const { open, disk, exported, places } = copy;
  const place = places.find(({ key }) => key === disk.key);
  if (place === undefined) throw new Error(`no place was made for the disk ${disk.key}`);
  const { id } = context.job;
  using share = joinBandwidth(run.parts);
  const outcome = await copier.copy(
    {
      ...{ feed: exported.feed, isResumable: exported.isResumable },
      ...{ path: place.path, format: disk.format, capacityBytes: disk.capacityBytes },
      ...{ isCompressed: spec.options.isCompressed, owner: id, pace: share.pace },
    },
    {
      signal,
      onProgress: ({ doneBytes, receivedBytes }) => {
        share.obey();
        if (receivedBytes === 0) run.progress.resume(disk.key, doneBytes);
        else run.progress.advance(disk.key, doneBytes);
        open.setProgress(run.progress.copyPercent);
      },
    },
  );
  run.progress.advance(disk.key, disk.capacityBytes);
  if (outcome.resumedFromByte > 0) {
    context.log('info', `disk ${disk.key} went on from byte ${outcome.resumedFromByte}`);
  }
  await run.save({ copied: { ...run.checkpoint.copied, [disk.key]: outcome } });
}

function notExported({ key }: TargetDisk, { name }: SourceVm): DroverError {
  return new DroverError('unavailable', `the source does not offer the disk ${key} of ${name}`, {
    reason: 'DISK_NOT_OFFERED',
  });
}
