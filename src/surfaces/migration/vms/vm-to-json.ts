/** VMs of vSphere as this API answers them; what the source does not say is null. */
import type { SourceNic, SourceVm, SourceVmDisk, VmSummary } from '#transfers/source-vm.ts';

const KIB = 1024;

/** The documented fields first. */
export function summaryToJson(vm: VmSummary): object {
  return {
    name: vm.name,
    path: vm.path,
    power_state: vm.powerState,
    num_cpu: vm.cpus ?? null,
    memory_mb: vm.memoryMib ?? null,
    storage: vm.storageBytes ?? null,
    guest_os: vm.guestOs ?? null,
    ip_address: vm.ipAddress ?? null,
    storage_bytes: vm.storageBytes ?? null,
    ref: vm.ref,
    host: vm.host ?? null,
    template: vm.isTemplate,
  };
}

export function vmToJson(vm: SourceVm): object {
  return {
    ...summaryToJson(vm),
    uuid: vm.uuid ?? null,
    hardware: {
      num_cpu: vm.cpus ?? null,
      memory_mb: vm.memoryMib ?? null,
      num_virtual_disks: vm.disks.length,
      cores_per_socket: vm.coresPerSocket ?? null,
      firmware: vm.firmware,
      secure_boot: vm.isSecureBoot,
      tpm: vm.hasTpm,
    },
    disks: vm.disks.map(diskToJson),
    networks: vm.nics.map(nicToJson),
    cdroms: vm.cdroms,
    snapshots: vm.snapshots,
    guest_id: vm.guestId ?? null,
    tools_running: vm.hasRunningTools ?? null,
    change_tracking: vm.isTrackingChanges ?? null,
    datacenter: vm.datacenter ?? null,
  };
}

function diskToJson(disk: SourceVmDisk): object {
  return {
    label: disk.label,
    capacity_kb: Math.ceil(disk.capacityBytes / KIB),
    file_path: disk.path,
    capacity_bytes: disk.capacityBytes,
    key: disk.key,
    datastore: disk.datastore ?? null,
    bus: disk.bus,
    controller: disk.controller,
    thin: disk.isThin ?? null,
    raw_device: disk.isRawDevice,
    independent: disk.isIndependent,
    shared: disk.isShared,
    encrypted: disk.isEncrypted,
  };
}

function nicToJson({ label, mac, network, model, isConnected }: SourceNic): object {
  return { label, mac_address: mac, network, model, connected: isConnected };
}
