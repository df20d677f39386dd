/** A vCenter, or a lone ESXi host, as the place that VMs come from. */
import { DroverError } from '#kernel/errors.ts';
import type { SourceVm, VmSummary } from '#transfers/source-vm.ts';
import type {
  Export,
  ListOptions,
  PrivilegeNeeds,
  Snapshots,
  Source,
  Transport,
} from '#transfers/source.ts';
import { removeCdroms } from './cdroms.ts';
import { openDatastoreExport } from './datastore-export.ts';
import { findVmByPath, listVms } from './inventory.ts';
import type { ManagedObject } from './managed-object.ts';
import { openNfcExport } from './nfc-export.ts';
import { powerOff, powerOn, shutDownGuest } from './power.ts';
import { missingPrivileges } from './privileges.ts';
import type { VSphereSession } from './session.ts';
import { VSphereSnapshots } from './snapshots.ts';
import { openVddkExport, vddkUnavailable, type VddkAccess } from './vddk-export.ts';
import { readVm } from './vm-details.ts';
import { parseVmPath } from './vm-path.ts';

export interface VSphereSourceOptions {
  readonly session: VSphereSession;
  /** Where paths are looked up that are not found as they are; lists are of it alone. */
  readonly datacenter: string | undefined;
  /** Undefined: nothing is known here of VDDK. */
  readonly vddk?: VddkAccess & VddkOffer;
  /** Called once, when the source is not needed any more. */
  readonly release: () => Promise<void>;
}

interface VddkOffer {
  /** Why it cannot be used, and what to do about that; undefined: it can. */
  readonly obstacle: string | undefined;
}

const NOTHING_OF_VDDK = 'it is not set up';

export class VSphereSource implements Source {
  /** By lease first: it reads every kind of disk, with snapshots or without. */
  readonly transports: readonly Transport[];
  readonly obstacles: NonNullable<Source['obstacles']>;
  readonly product: string;
  readonly snapshots: Snapshots;
  readonly #session: VSphereSession;
  readonly #datacenter: string | undefined;
  readonly #vddk: VddkAccess | undefined;
  #release: (() => Promise<void>) | undefined;

  constructor({ session, datacenter, vddk, release }: VSphereSourceOptions) {
    const obstacle = vddk === undefined ? NOTHING_OF_VDDK : vddk.obstacle;
    this.transports = ['nfc', 'datastore', ...(obstacle === undefined ? ['vddk' as const] : [])];
    this.obstacles = obstacle === undefined ? {} : { vddk: obstacle };
    this.#vddk = vddk;
    this.#session = session;
    this.#datacenter = datacenter;
    this.#release = release;
    this.product = session.content.product;
    this.snapshots = new VSphereSnapshots(session);
  }

  async listVms(options: ListOptions, signal: AbortSignal): Promise<readonly VmSummary[]> {
    const { datacenter = this.#datacenter, pattern } = options;
    return await listVms(this.#session, { datacenter, pattern }, signal);
  }

  async findVm(path: string, signal: AbortSignal): Promise<SourceVm> {
    const wanted = parseVmPath(path);
    const ref = await findVmByPath(this.#session, wanted, this.#datacenter, signal);
    return await readVm(this.#session, ref, signal);
  }

  async shutDownGuest(ref: string, signal: AbortSignal): Promise<void> {
    await shutDownGuest(this.#session, vmOf(ref), signal);
  }

  async powerOff(ref: string, signal: AbortSignal): Promise<void> {
    await powerOff(this.#session, vmOf(ref), signal);
  }

  async powerOn(ref: string, signal: AbortSignal): Promise<void> {
    await powerOn(this.#session, vmOf(ref), signal);
  }

  async removeCdroms(ref: string, signal: AbortSignal): Promise<number> {
    return await removeCdroms(this.#session, vmOf(ref), signal);
  }

  async missingPrivileges(
    ref: string,
    needs: PrivilegeNeeds,
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined> {
    return await missingPrivileges(this.#session, vmOf(ref), needs, signal);
  }

  async openExport(vm: SourceVm, transport: Transport, signal: AbortSignal): Promise<Export> {
    switch (transport) {
      case 'nfc':
        return await openNfcExport(this.#session, vm, signal);
      case 'datastore':
        return await openDatastoreExport(this.#session, vm, signal);
      case 'vddk':
        if (this.#vddk === undefined) throw vddkUnavailable(NOTHING_OF_VDDK);
        return await openVddkExport(this.#session, vm, this.#vddk, signal);
      case 'file':
        throw new DroverError('failed_precondition', 'vSphere is not read by file here', {
          reason: 'TRANSPORT_NOT_OFFERED',
        });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const release = this.#release;
    this.#release = undefined;
    await release?.();
  }
}

function vmOf(id: string): ManagedObject {
  return { type: 'VirtualMachine', id };
}
