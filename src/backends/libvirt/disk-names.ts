/** The names that disks have at a target. They are the same for each attempt of a job. */
import { createHash } from 'node:crypto';
import { invalidArgument } from '#kernel/errors.ts';
import type { TargetDisk, TargetVm } from '#transfers/target.ts';

export interface NamedDisk {
  readonly disk: TargetDisk;
  /** `web-0.qcow2`: what it is called once it is there. */
  readonly fileName: string;
  /** `.web-0-1a2b3c4d5e6f.partial`: while it is being written. It bears the owner. */
  readonly partialName: string;
  /** `web-0-1a2b3c4d5e6f.qcow2`: of a volume, which cannot be renamed, so it keeps the owner. */
  readonly volumeName: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export function nameDisks(vm: TargetVm): readonly NamedDisk[] {
  if (!NAME.test(vm.name)) {
    const right = 'must begin with a letter or digit, and hold only those and . _ -';
    throw invalidArgument('target_name', right);
  }
  const tag = createHash('sha256').update(vm.owner).digest('hex').slice(0, 12);
  return vm.disks.map((disk, index) => {
    const base = `${vm.name}-${index}`;
    return {
      disk,
      fileName: `${base}.${disk.format}`,
      partialName: `.${base}-${tag}.partial`,
      volumeName: `${base}-${tag}.${disk.format}`,
    };
  });
}
