/** A vCenter with one VM, which notes what is asked of it. */
import { DroverError } from '#kernel/errors.ts';
import type { Sources } from '#transfers/migration-parts.ts';
import type { SourceSpec } from '#transfers/migration-spec.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { ListOptions, Source } from '#transfers/source.ts';

export const WEB_SERVER: SourceVm = {
  ...{ ref: 'vm-42', name: 'web-server-1', path: 'Datacenter/vm/production/web-server-1' },
  ...{ powerState: 'poweredOn', isTemplate: false, cpus: 4, memoryMib: 8192 },
  ...{ storageBytes: 107374182400, guestOs: 'Ubuntu Linux (64-bit)', ipAddress: '192.168.1.10' },
  ...{ host: 'esx-1', uuid: '42329208-8c5a-3254-1234-567890abcdef', guestId: 'ubuntu64Guest' },
  ...{ firmware: 'efi', isSecureBoot: false, hasTpm: false, coresPerSocket: 2 },
  disks: [
    {
      ...{ key: '2000', label: 'Hard disk 1', capacityBytes: 107374182400 },
      ...{ path: '[datastore1] web-server-1/web-server-1.vmdk', datastore: 'datastore1' },
      ...{ bus: 'scsi', controller: 'pvscsi', position: 0, isThin: true, isRawDevice: false },
      ...{ isIndependent: false, isShared: false, isEncrypted: false, changeId: undefined },
    },
  ],
  nics: [
    {
      ...{ key: '4000', label: 'Network adapter 1', mac: '00:50:56:00:00:01' },
      ...{ network: 'VM Network', model: 'vmxnet3', isConnected: true },
    },
  ],
  ...{ cdroms: ['CD/DVD drive 1'], snapshots: 0, isTrackingChanges: undefined },
  ...{ hasRunningTools: true, hostRef: 'host-9', datacenter: 'Datacenter' },
};

export class FakeVsphere implements Sources {
  /** Where each login led, and its password. */
  readonly opened: { readonly spec: SourceSpec; readonly password: string | undefined }[] = [];
  readonly asked: string[] = [];
  readonly listed: ListOptions[] = [];
  closed = 0;

  async open(spec: SourceSpec, secrets: Readonly<Record<string, string>>): Promise<Source> {
    const { password } = secrets;
    this.opened.push({ spec, password });
    if (password === 'wrong') {
      throw new DroverError('unauthenticated', 'the vCenter refused the user name or password');
    }
    return {
      ...{ transports: ['nfc'], product: 'VMware vCenter Server 8.0.2', snapshots: undefined },
      listVms: async (options) => {
        this.listed.push(options);
        return [WEB_SERVER];
      },
      findVm: async (path) => {
        if (path === WEB_SERVER.path) return WEB_SERVER;
        throw new DroverError('not_found', `there is no VM ${path}`, {
          reason: 'SOURCE_VM_NOT_FOUND',
        });
      },
      shutDownGuest: async (ref) => void this.asked.push(`shut down ${ref}`),
      powerOff: async (ref) => void this.asked.push(`power off ${ref}`),
      powerOn: async (ref) => void this.asked.push(`power on ${ref}`),
      removeCdroms: async (ref) => this.asked.push(`remove the drives of ${ref}`),
      missingPrivileges: async () => [],
      openExport: () => Promise.reject(new Error('nothing is exported here')),
      [Symbol.asyncDispose]: async () => void (this.closed += 1),
    };
  }
}
