/** A VM that lies in files, in the words that a migration has for VMs. */
import { createHash } from 'node:crypto';
import type { SourceVm, VmSummary } from '#transfers/source-vm.ts';
import { baseName } from './file-package.ts';
import type { PackagedVm } from './ovf.ts';

/** One that is listed; of a package that cannot be read its name alone is known. */
export interface ListedVm {
  /** `web.ova`; `shop.ova/db` where there are several in it. */
  readonly path: string;
  readonly fileName: string;
  readonly vm: PackagedVm | undefined;
}

export function toSummary({ path, fileName, vm }: ListedVm): VmSummary {
  return {
    ...{ ref: path, path, name: vm?.name ?? vm?.id ?? baseName(fileName) },
    ...{ powerState: 'poweredOff', isTemplate: false, ipAddress: undefined, host: undefined },
    ...{ cpus: vm?.cpus, memoryMib: vm?.memoryMib, guestOs: vm?.guestOs },
    storageBytes: undefined,
  };
}

/** Of the disks, in their order. */
interface FoundImages {
  readonly storageBytes: number;
  readonly capacities: readonly number[];
  readonly oddFormats: readonly (string | undefined)[];
}

export function toSourceVm(
  listed: ListedVm & { readonly vm: PackagedVm },
  images: FoundImages,
): SourceVm {
  const { vm, path } = listed;
  return {
    ...{ ...toSummary(listed), storageBytes: images.storageBytes },
    ...{ uuid: undefined, guestId: vm.guestId, coresPerSocket: vm.coresPerSocket },
    ...{ firmware: vm.firmware, isSecureBoot: vm.isSecureBoot, hasTpm: vm.hasTpm },
    disks: vm.disks.map(({ label, fileName, bus, controller, position }, index) => ({
      ...{ key: diskKey(index), label, path: fileName, datastore: undefined },
      capacityBytes: images.capacities[index] ?? 0,
      oddFormat: images.oddFormats[index],
      ...{ bus, controller, position, isThin: undefined, changeId: undefined },
      ...{ isRawDevice: false, isIndependent: false, isShared: false, isEncrypted: false },
    })),
    nics: vm.nics.map(({ label, mac, network, model, isConnected }, index) => ({
      ...{ key: `nic-${index}`, label, network, model, isConnected },
      mac: mac ?? madeMac(`${path} ${index}`),
    })),
    cdroms: vm.cdroms,
    ...{ snapshots: 0, isTrackingChanges: undefined, hasRunningTools: undefined },
    ...{ hostRef: undefined, datacenter: undefined },
  };
}

export function diskKey(index: number): string {
  return `disk-${index}`;
}

/** Packages leave addresses to whoever installs them; this one is the same at each attempt. */
function madeMac(seed: string): string {
  const bytes = createHash('sha256').update(seed).digest().subarray(0, 3);
  return ['52', '54', '00', ...[...bytes].map((byte) => byte.toString(16).padStart(2, '0'))].join(
    ':',
  );
}
