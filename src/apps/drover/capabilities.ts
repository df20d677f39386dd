/** What this installation can do, and why not. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { VddkParts } from '#backends/vsphere/vddk-parts.ts';
import type { JsonObject } from '#jobs/job.ts';

/** Where Debian and others put programs, whatever the PATH of who started this one. */
const PROGRAM_DIRECTORIES = [
  ...['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'],
  // Red Hat's, for what is not for people.
  '/usr/libexec',
];

interface Capability {
  readonly available: boolean;
  /** Absent when it is available. */
  readonly reason?: string;
}

const HERE: Capability = { available: true };

export async function describeCapabilities(vddk: Pick<VddkParts, 'state'>): Promise<JsonObject> {
  const [{ obstacle }, virsh, v2v, nbdkit] = await Promise.all([
    vddk.state(),
    needs('virsh', 'install libvirt-clients to define VMs on KVM hosts'),
    needs('virt-v2v-in-place', 'install virt-v2v to have virtio drivers put into guests'),
    needs('nbdkit', 'install it for virt-v2v, which does nothing without'),
  ]);
  return {
    capabilities: {
      nfc: { ...HERE, method: 'nfc', priority: 2 },
      datastore: { ...HERE, method: 'datastore', priority: 1 },
      file: { ...HERE, method: 'file', priority: 4 },
      vddk: { ...(obstacle === undefined ? HERE : missing(obstacle)), method: 'vddk', priority: 3 },
    },
    default_method: 'auto',
    destinations: { kvm: virsh, drover: HERE, file: HERE },
    guest_preparation: v2v.available ? nbdkit : v2v,
  };
}

async function needs(program: string, remedy: string): Promise<Capability> {
  for (const directory of PROGRAM_DIRECTORIES) {
    if (await isProgram(join(directory, program))) return HERE;
  }
  return missing(`${program} is not installed; ${remedy}`);
}

function missing(reason: string): Capability {
  return { available: false, reason };
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
