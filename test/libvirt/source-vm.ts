import type { SourceVm } from '#transfers/source-vm.ts';

/** Of which one disk is called as the disks of `targetVm` are. */
export function sourceVm(): SourceVm {
  return {
    ...{ ref: 'vm-42', name: 'web', path: 'DC/vm/web', uuid: undefined, host: undefined },
    ...{ powerState: 'poweredOff', isTemplate: false, cpus: 1, memoryMib: 32 },
    ...{ storageBytes: undefined, guestOs: undefined, ipAddress: undefined },
    ...{ guestId: undefined, firmware: 'bios', isSecureBoot: false, hasTpm: false },
    ...{ coresPerSocket: undefined, nics: [], cdroms: [], snapshots: 0 },
    ...{ isTrackingChanges: undefined, hasRunningTools: undefined },
    ...{ hostRef: undefined, datacenter: undefined },
    disks: [
      {
        ...{ key: '2000', label: 'Hard disk 1', capacityBytes: 1024 * 1024 },
        ...{ path: '[ds] web/web.vmdk', datastore: 'ds', bus: 'sata', controller: 'ahci' },
        ...{ position: 0, isThin: true, isRawDevice: false, isIndependent: false },
        ...{ isShared: false, isEncrypted: false, changeId: undefined },
      },
    ],
  };
}
