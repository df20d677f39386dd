/** The disks go on to where the VM goes, at the pace that their job may have. */
import { SharedPace } from '#disks/shared-pace.ts';
import { joinBandwidth } from './job-bandwidth.ts';
import type { MigrationRun } from './migration-run.ts';
import type { TargetVm } from './target.ts';

export async function sendDisks(run: MigrationRun, plan: TargetVm): Promise<void> {
  const { target, context, clock } = run.parts;
  using share = joinBandwidth(run.parts);
  const begun = new Set<string>();
  const sending = {
    begin: (lengths: ReadonlyMap<string, number>) => run.progress.enterSending(lengths),
    advance: (key: string, doneBytes: number) => {
      share.obey();
      // What is told first of a disk may have been there before.
      if (begun.has(key)) run.progress.advance(key, doneBytes);
      else run.progress.resume(key, doneBytes);
      begun.add(key);
    },
    limiter: new SharedPace(clock, share.pace),
  };
  await target.sendDisks?.(plan, run.checkpoint.places ?? [], sending, context.signal);
}
