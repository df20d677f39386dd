/** The VMs that a test puts into the double. */

export interface FixtureDisk {
  /** A raw image of whole sectors, or a qcow2. It is only read. */
  readonly path: string;
  /** By default `Hard disk 1` and so on. */
  readonly label?: string;
  readonly controller?:
    | 'pvscsi'
    | 'lsilogic'
    | 'lsilogic-sas'
    | 'buslogic'
    | 'sata'
    | 'nvme'
    | 'ide';
  readonly isThin?: boolean;
  readonly mode?: 'persistent' | 'independent_persistent' | 'independent_nonpersistent';
  readonly isShared?: boolean;
  readonly isEncrypted?: boolean;
  readonly isRawDevice?: boolean;
  readonly changeId?: string;
}

export interface FixtureNic {
  /** A port group, made when there is none of the name; `DC0_DVPG0` is a distributed one. */
  readonly network?: string;
  readonly mac?: string;
  readonly model?: 'e1000' | 'e1000e' | 'vmxnet3';
  readonly isConnected?: boolean;
}

export interface FixtureVm {
  /** A slash in it becomes `%2f`, as in vSphere. */
  readonly name: string;
  /** Below the folder of the datacenter's VMs, such as `Prod/Web`. */
  readonly folder?: string;
  /** By default the first one, `DC0`. */
  readonly datacenter?: string;
  readonly disks?: readonly FixtureDisk[];
  readonly nics?: readonly FixtureNic[];
  readonly cpus?: number;
  readonly coresPerSocket?: number;
  readonly memoryMib?: number;
  readonly firmware?: 'bios' | 'efi';
  readonly isSecureBoot?: boolean;
  readonly hasTpm?: boolean;
  readonly guestId?: string;
  readonly guestOs?: string;
  readonly poweredOn?: boolean;
  readonly isTemplate?: boolean;
  /** What VMware Tools in the guest report; they run when there is one. */
  readonly ipAddress?: string;
  /** Two at most. */
  readonly cdroms?: number;
  readonly snapshots?: readonly string[];
  readonly isTrackingChanges?: boolean;
}
