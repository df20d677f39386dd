/** Disks that customers bring: where they lie, who looks at them, and how many there may be. */
import { ThreadDiskCopier } from '#backends/disk-copier/thread-disk-copier.ts';
import { DiskFolder } from '#backends/disk-folder/disk-folder.ts';
import { inspectImage } from '#backends/qemu/image-catalog.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import { DiskService, type DiskLimits } from '#machines/disk-service.ts';
import type { MachineStore } from '#machines/machine-store.ts';
import type { WorkerPool } from '#workers/pool/worker-pool.ts';
import type { DroverHere } from './targets.ts';

export interface DisksOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly pool: WorkerPool;
  readonly machines: MachineStore;
  readonly limits: DiskLimits;
  readonly here: Pick<DroverHere, 'imagesDirectory' | 'guestUser'>;
}

export async function openDisks(
  { clock, log, pool, machines, limits, here }: DisksOptions,
  stack: AsyncDisposableStack,
): Promise<DiskService> {
  const copier = new ThreadDiskCopier(pool);
  const store = stack.use(
    await DiskFolder.open({
      ...{ clock, log, ...here, inspect: inspectImage },
      hash: (path, ...call) => copier.hash({ path, algorithm: 'sha256' }, ...call),
    }),
  );
  return new DiskService({ store, machines, limits });
}
