/** A foreign VM as its source describes it: all that a migration has to know of it. */

export type PowerState = 'poweredOn' | 'poweredOff' | 'suspended';

/** What lists show. Cheap to have for thousands of VMs at once. */
export interface VmSummary {
  /** The source's own reference; for vSphere a managed object id such as `vm-42`. */
  readonly ref: string;
  readonly name: string;
  /** `Datacenter/vm/folder/name`; a slash inside a name is written `%2f`. */
  readonly path: string;
  readonly powerState: PowerState;
  readonly isTemplate: boolean;
  /** Undefined what the source does not say. */
  readonly cpus: number | undefined;
  readonly memoryMib: number | undefined;
  /** Taken on its datastores. */
  readonly storageBytes: number | undefined;
  readonly guestOs: string | undefined;
  readonly ipAddress: string | undefined;
  /** The name of the host it runs on, or last ran on. */
  readonly host: string | undefined;
}

export type DiskBus = 'scsi' | 'sata' | 'ide' | 'nvme';

export interface SourceVmDisk {
  /** Stable for as long as the VM has the disk; for vSphere the device key. */
  readonly key: string;
  readonly label: string;
  readonly capacityBytes: number;
  /** `[datastore] folder/name.vmdk`, or the name of a file. */
  readonly path: string;
  readonly datastore: string | undefined;
  readonly bus: DiskBus;
  /** `lsilogic`, `pvscsi`, `ahci`…, in lower case. */
  readonly controller: string;
  /** Where on its bus, in the order in which a guest finds its disks. */
  readonly position: number;
  readonly isThin: boolean | undefined;
  /** Reasons why it cannot be read as other disks are. */
  readonly isRawDevice: boolean;
  readonly isIndependent: boolean;
  readonly isShared: boolean;
  readonly isEncrypted: boolean;
  /** What a file is, where its name says that it is something else. */
  readonly oddFormat?: string | undefined;
  /** Names a state of its blocks, where changes are tracked. */
  readonly changeId: string | undefined;
}

export interface SourceNic {
  readonly key: string;
  readonly label: string;
  readonly mac: string;
  /** The name of the network or port group. */
  readonly network: string;
  /** `e1000e`, `vmxnet3`…, in lower case. */
  readonly model: string;
  readonly isConnected: boolean;
}

export interface SourceVm extends VmSummary {
  readonly uuid: string | undefined;
  readonly guestId: string | undefined;
  readonly firmware: 'bios' | 'efi';
  readonly isSecureBoot: boolean;
  readonly hasTpm: boolean;
  readonly coresPerSocket: number | undefined;
  readonly disks: readonly SourceVmDisk[];
  readonly nics: readonly SourceNic[];
  /** CD-ROM drives, by label. */
  readonly cdroms: readonly string[];
  readonly snapshots: number;
  readonly isTrackingChanges: boolean | undefined;
  readonly hasRunningTools: boolean | undefined;
  /** The physical host's own reference, for limits. */
  readonly hostRef: string | undefined;
  readonly datacenter: string | undefined;
  /** Another one once it ran or was changed, as far as its source notices; absent: it does not. */
  readonly state?: string;
}
