/** What stands behind the ports on this host, as the configuration asks for it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { probeAccelerator, type AcceleratorResult } from '#backends/qemu/accelerator-probe.ts';
import { createImageCatalog } from '#backends/qemu/image-catalog.ts';
import { QemuHypervisor } from '#backends/qemu/qemu-hypervisor.ts';
import { findQemuUser, type QemuUser } from '#backends/qemu/qemu-user.ts';
import { openTapNetwork } from '#backends/network/tap-network.ts';
import { UserNetwork } from '#backends/network/user-network.ts';
import type { Clock } from '#kernel/clock.ts';
import { openDeadline } from '#kernel/abort.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { HostNetwork } from '#machines/host-network.ts';
import type { Hypervisor, ImageCatalog } from '#machines/hypervisor.ts';
import type { Config } from './config.ts';

export interface Backends {
  readonly hypervisor: Hypervisor;
  readonly network: HostNetwork;
  readonly images: ImageCatalog;
  /** Whom guests run as; absent: as this process. */
  readonly guestUser?: QemuUser | undefined;
  /** What was found to work here; absent: nobody looked. */
  readonly accelerator?: AcceleratorResult['accelerator'];
  /** Why not to rely on a KVM that is there. */
  readonly kvmFault?: string | undefined;
}

interface Surroundings {
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Log;
}

const OPEN_NETWORK_MS = 30 * SECOND_MS;

export async function openBackends(config: Config, around: Surroundings): Promise<Backends> {
  const { clock, log } = around;
  const { accelerator: choice, qemuUser } = config.hypervisor;
  const isRoot = process.getuid?.() === 0;
  const runAs = isRoot ? await findQemuUser({ isKvm: false, name: qemuUser }) : undefined;
  const accelerator = await probeAccelerator(choice, { clock, runAs });
  log.info({ ...accelerator, user: runAs?.name }, 'QEMU accelerator chosen');
  const kvmUser =
    isRoot && accelerator.accelerator === 'kvm'
      ? await findQemuUser({ isKvm: true, name: qemuUser })
      : runAs;
  for (const directory of config.images.directories) await mkdir(directory, { recursive: true });
  return {
    hypervisor: new QemuHypervisor({
      clock,
      log,
      stateDir: join(config.dataDir, 'machines'),
      accelerator,
      runAs: kvmUser,
      consoleFileBytes: config.console.maxBytes,
    }),
    network: await openNetwork(config.network, { ...around, tapOwner: kvmUser }),
    images: createImageCatalog({ directories: config.images.directories }),
    guestUser: kvmUser,
    accelerator: accelerator.accelerator,
    kvmFault: accelerator.kvmFault,
  };
}

async function openNetwork(
  network: Config['network'],
  around: Surroundings & { readonly tapOwner: QemuUser | undefined },
): Promise<HostNetwork> {
  const { mode, bridge, ipv4Subnet, ipv6Subnet, isolation, dns, masquerade } = network;
  const { clock, log } = around;
  if (mode === 'user') return new UserNetwork();
  using deadline = openDeadline(clock, OPEN_NETWORK_MS, 'setting up the network of the host');
  try {
    const options = { bridge, ipv4Subnet, isolation, dnsServers: dns, masquerade };
    return await openTapNetwork(
      { ...around, ...options, ipv6Subnet: ipv6Subnet ?? 'none' },
      deadline.signal,
    );
  } catch (thrown) {
    if (mode === 'tap') throw thrown;
    const { message } = toDroverError(thrown);
    log.warn({ why: message }, 'no bridge on this host: guests get user-mode networking');
    return new UserNetwork();
  }
}
