/** What lies beside the disks of a VM in files, for libvirt and for programs. */
import type { TargetDisk, TargetVm } from '#transfers/target.ts';
import type { NicPlace } from './domain-nics.ts';
import { buildDomainXml } from './domain-xml.ts';
import type { HostAbilities } from './host-abilities.ts';
import { FOLDER_FILES } from './owned-folder.ts';

export interface FiledDisk {
  readonly disk: TargetDisk;
  readonly fileName: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Undefined when nobody read it back. */
  readonly contentDigest: string | undefined;
}

/** What most hosts would answer; which of its programs runs the VM is for each to say. */
const ANY_HOST: HostAbilities = {
  ...{ virtType: 'kvm', emulator: undefined, mostCpus: undefined, cpuMode: 'host-passthrough' },
  ...{ hasEfi: true, hasSecureBoot: true, tpmModel: 'tpm-crb', hasVirtioRng: true },
};

export function buildPortableXml(vm: TargetVm, disks: readonly FiledDisk[]): string {
  return buildDomainXml({
    ...{ vm, uuid: undefined, abilities: ANY_HOST, consoleLog: undefined },
    sources: disks.map(({ path }) => ({ kind: 'file', path })),
    nicPlaces: vm.nics.map(({ network }): NicPlace =>
      network === 'user' ? { kind: 'user' } : { kind: 'network', name: network },
    ),
    scsiModel: 'virtio-scsi',
  });
}

export function buildManifest(vm: TargetVm, disks: readonly FiledDisk[]): string {
  const manifest = {
    version: 1,
    job_id: vm.owner,
    vm: {
      ...{ name: vm.name, uuid: vm.uuid, guest_id: vm.guestId },
      ...{ cpus: vm.cpus, cores_per_socket: vm.coresPerSocket, memory_mib: vm.memoryMib },
      ...{ firmware: vm.firmware, has_secure_boot: vm.isSecureBoot, has_tpm: vm.hasTpm },
    },
    disks: disks.map(({ disk, fileName, sizeBytes, sha256, contentDigest }) => ({
      ...{ file: fileName, format: disk.format, bus: disk.bus, size_bytes: sizeBytes },
      ...{ capacity_bytes: disk.capacityBytes, sha256, content_digest: contentDigest },
    })),
    nics: vm.nics.map(({ mac, network, model, isConnected }) => ({
      ...{ mac, network, model, is_connected: isConnected },
    })),
    domain: FOLDER_FILES.domain,
    checksums: FOLDER_FILES.sums,
    notes: [
      `To check the files: sha256sum -c ${FOLDER_FILES.sums}`,
      `To run the VM: virsh define ${FOLDER_FILES.domain}`,
      `The disks are named in ${FOLDER_FILES.domain} by where they were written: change these ` +
        'paths where the folder was moved, and the networks to those of the host.',
    ],
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}
