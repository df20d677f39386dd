/** What the handlers of this surface share. */
import type { EventLog } from '#events/event-log.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { Clock } from '#kernel/clock.ts';
import type { DiskService } from '#machines/disk-service.ts';
import type { HostNetwork } from '#machines/host-network.ts';
import type { ImageCatalog } from '#machines/hypervisor.ts';
import type { MachineImage } from '#machines/machine-image.ts';
import type { MachineService } from '#machines/machine-service.ts';
import type { MachineType } from '#machines/machine-spec.ts';
import type { ConfigCache } from './render/config.ts';
import type { VmMetrics } from './vm-metrics.ts';

export interface VmServiceParts {
  readonly clock: Clock;
  readonly machines: MachineService;
  readonly disks: DiskService;
  readonly network: HostNetwork;
  readonly images: ImageCatalog;
  readonly offeredImages: () => Promise<readonly MachineImage[]>;
  readonly events: EventLog;
  readonly eventSignal: EventSignal;
  readonly configs: ConfigCache;
  readonly metrics: VmMetrics;
  /** Whether guests can boot by UEFI. */
  readonly hasUefi: () => Promise<boolean>;
  /** What backend_info calls the hypervisor. */
  readonly backendType: string;
  /** For guests whose kernel is handed to them. */
  readonly machineType: MachineType;
}
