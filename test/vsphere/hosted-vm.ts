/** The VMs that have real disks behind them, as the proxy knows them. */
import type { Reference } from './soap-message.ts';

export interface HostedDisk {
  readonly label: string;
  /** Of its device. */
  readonly key: number;
  /** As a lease names it: `/vm-42/ParaVirtualSCSIController0:0`. */
  readonly leaseKey: string;
  /** `[LocalDS_0] web/web.vmdk`. */
  readonly path: string;
  readonly capacityBytes: number;
  readonly isThin: boolean;
  /** The content as a file of sectors. */
  readonly rawPath: string;
  /** The same as an ESXi streams it; made when first asked for. */
  readonly streamPath: () => Promise<string>;
}

export interface HostedVm {
  readonly name: string;
  readonly ref: Reference;
  /** Of the datacenter, as `dcPath` names it. */
  readonly datacenter: string;
  readonly firmware: 'bios' | 'efi';
  readonly disks: readonly HostedDisk[];
}
