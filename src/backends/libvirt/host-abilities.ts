/** What the libvirt of one host can give a VM, as its domcapabilities say. */
import { DroverError } from '#kernel/errors.ts';
import { parseXml, type XmlElement } from '#kernel/xml.ts';

export const MACHINES = ['q35', 'pc'] as const;
/** IDE is what only the older of the two still has. */
export type MachineKind = (typeof MACHINES)[number];

/** What guests of today want: Windows 11 takes no other. */
export const TPM_VERSION = '2.0';

export interface HostAbilities {
  readonly virtType: 'kvm' | 'qemu';
  /** Undefined where each host is to choose its own. */
  readonly emulator: string | undefined;
  readonly mostCpus: number | undefined;
  readonly cpuMode: 'host-passthrough' | 'maximum' | undefined;
  readonly hasEfi: boolean;
  readonly hasSecureBoot: boolean;
  readonly tpmModel: 'tpm-crb' | 'tpm-tis' | undefined;
  readonly hasVirtioRng: boolean;
}

export function parseAbilities(xml: string): HostAbilities {
  const root = parseXml(xml);
  const virtType = root.textOf('domain');
  const emulator = root.textOf('path');
  if (root.name !== 'domainCapabilities' || emulator === undefined) throw unreadable(root);
  if (virtType !== 'kvm' && virtType !== 'qemu') throw unreadable(root);
  const os = root.child('os');
  const loader = os?.child('loader');
  const devices = root.child('devices');
  const tpm = devices?.child('tpm');
  const mostCpus = Number(root.child('vcpu')?.attribute('max'));
  const modes = (root.child('cpu')?.children ?? []).filter(isSupported);
  const hasMode = (name: string) => modes.some((mode) => mode.attribute('name') === name);
  const hasEfi = valuesOf(os, 'firmware').includes('efi');
  // Which ones there are is said since libvirt 8.6.
  const versions = valuesOf(tpm, 'backendVersion');
  const isRecent = versions.length === 0 || versions.includes(TPM_VERSION);
  const hasTpm = isSupported(tpm) && valuesOf(tpm, 'backendModel').includes('emulator');
  return {
    ...{ virtType, emulator, hasEfi },
    mostCpus: Number.isSafeInteger(mostCpus) && mostCpus > 0 ? mostCpus : undefined,
    cpuMode: pickMode(virtType, hasMode),
    hasSecureBoot: hasEfi && isSupported(loader) && valuesOf(loader, 'secure').includes('yes'),
    tpmModel: hasTpm && isRecent ? pickTpm(valuesOf(tpm, 'model')) : undefined,
    hasVirtioRng: valuesOf(devices?.child('rng'), 'model').includes('virtio'),
  };
}

/** Without KVM there is no CPU of the host to pass through; QEMU then offers all it can emulate. */
function pickMode(
  virtType: HostAbilities['virtType'],
  hasMode: (name: string) => boolean,
): HostAbilities['cpuMode'] {
  if (virtType === 'kvm' && hasMode('host-passthrough')) return 'host-passthrough';
  return hasMode('maximum') ? 'maximum' : undefined;
}

function pickTpm(models: readonly string[]): HostAbilities['tpmModel'] {
  if (models.includes('tpm-crb')) return 'tpm-crb';
  return models.includes('tpm-tis') ? 'tpm-tis' : undefined;
}

function isSupported(element: XmlElement | undefined): boolean {
  return element?.attribute('supported') === 'yes';
}

function valuesOf(parent: XmlElement | undefined, name: string): readonly string[] {
  const found = parent?.childrenNamed('enum').find((one) => one.attribute('name') === name);
  return found?.childrenNamed('value').map(({ text }) => text) ?? [];
}

function unreadable(root: XmlElement): DroverError {
  return new DroverError('internal', 'libvirt describes its abilities in an unknown form', {
    reason: 'LIBVIRT_UNREADABLE',
    context: { root: root.name },
  });
}
