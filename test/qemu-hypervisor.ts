/**
 * A QemuHypervisor in a folder of its own, with two guests for it to run: one that is ready at once
 * (test/bare-kernel.ts), and Linux.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { QemuHypervisor, type QemuHypervisorOptions } from '#backends/qemu/qemu-hypervisor.ts';
import { systemClock } from '#kernel/clock.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import { makeBareKernel } from '#test/bare-kernel.ts';
import type { HypervisorHarness } from '#test/contract/hypervisor.ts';
import { diskSpec, kernelSpec } from '#test/contract/machine-spec.ts';
import { openDemoImage, type DemoImage } from '#test/demo-image.ts';

export interface QemuHarness extends HypervisorHarness {
  readonly hypervisor: QemuHypervisor;
  readonly image: DemoImage;
  readonly directory: string;
  reopen(options?: Partial<QemuHypervisorOptions>): QemuHypervisor;
  /** A demo guest with further kernel arguments. */
  readonly demoSpec: (kernelArgs?: string, changes?: Partial<MachineSpec>) => MachineSpec;
}

const KERNEL_ARGS = 'console=ttyS0 reboot=k panic=1 quiet cryptomgr.notests';
const READY = 'drover-demo ready';
const SIGNAL = new AbortController().signal;

/** Tests run guests under TCG everywhere: KVM is not to be had on most build machines. */
export async function openQemuHarness(
  options: Partial<QemuHypervisorOptions> = {},
): Promise<QemuHarness> {
  const image = await openDemoImage();
  const directory = await mkdtemp(join(tmpdir(), 'drover-qemu-'));
  const reopen = (changes: Partial<QemuHypervisorOptions> = {}) =>
    new QemuHypervisor({
      clock: systemClock,
      stateDir: join(directory, 'machines'),
      accelerator: { accelerator: 'tcg', reason: 'tests' },
      runAs: undefined,
      ...options,
      ...changes,
    });
  const hypervisor = reopen();
  const kernelPath = join(directory, 'bare');
  await writeFile(kernelPath, makeBareKernel({ says: `${READY}\n` }));
  const disks = [diskSpec('rootfs', image.rootDiskPath, { isRoot: true })];
  const demoSpec = (kernelArgs = '', changes: Partial<MachineSpec> = {}) =>
    kernelSpec(
      { ...image, kernelArgs: `${KERNEL_ARGS} ${kernelArgs}`.trim() },
      { disks, ...changes },
    );
  return {
    hypervisor,
    image,
    directory,
    reopen,
    demoSpec,
    spec: kernelSpec({ kernelPath, initrdPath: undefined, kernelArgs: '' }, { disks }),
    ready: READY,
    killFromOutside: (_, guest) => process.kill(guest.record.pid, 'SIGKILL'),
    async [Symbol.asyncDispose]() {
      for (const id of await hypervisor.leftovers(SIGNAL)) await hypervisor.discard(id, SIGNAL);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
