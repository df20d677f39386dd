/**
 * This Drover as a place for VMs to go to: each becomes a machine of a customer. Its disks are
 * written where they stay, into the customer's own folder of the image directory, and the machine
 * writes into them:
 *
 *   IMAGES/customers/CUSTOMER/migrated/JOB/disk-0.qcow2
 *
 * The id of the machine follows from that of the job, and its metadata names the job: what another
 * made under that id, or what belongs to another customer, is not touched.
 */
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Principal } from '#access/principal.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { HostCapacity } from '#machines/host-capacity.ts';
import type { ImageCatalog } from '#machines/hypervisor.ts';
import type { MachineService } from '#machines/machine-service.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import type { Machine } from '#machines/machine.ts';
import type { Finding } from '#transfers/finding.ts';
import { isThere } from '#transfers/is-there.ts';
import { awaitLife } from '#transfers/machine-boot-watch.ts';
import { diskFile, folderOf, JOB_KEY, machineIdOf } from '#transfers/machine-plan.ts';
import { toMachineSpec, type FoundDisk } from '#transfers/machine-plan.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { DefinedVm, DiskPlace, Target, TargetVm } from '#transfers/target.ts';
import { findAtDrover } from './target-findings.ts';

export interface DroverTargetOptions {
  readonly clock: Clock;
  readonly customerId: CustomerId;
  readonly machines: MachineService;
  readonly capacity: HostCapacity;
  readonly images: ImageCatalog;
  /** The first of them, which the catalog also knows as `/assets`. */
  readonly imagesDirectory: string;
  /** Whom guests run as, if not as this process: the disks are to be theirs. */
  readonly guestUser: { readonly uid: number; readonly gid: number } | undefined;
  readonly hasUefi: () => Promise<boolean>;
  /** The configuration as a caller of the API would have given it. */
  readonly toGiven: (spec: Omit<MachineSpec, 'given'>) => unknown;
  readonly readyText: string | undefined;
}

const ALIAS = '/assets';
/** Passable, since guests run as another user, and closed to everybody else. */
const DIRECTORY_MODE = 0o711;
const FILE_MODE = 0o600;

export class DroverTarget implements Target {
  readonly kind = 'drover';
  readonly #options: DroverTargetOptions;
  /** The customer's own rights suffice, and reach nobody else's machines. */
  readonly #principal: Principal;

  constructor(options: DroverTargetOptions) {
    this.#options = options;
    const { customerId } = options;
    this.#principal = { kind: 'customer', customerId, via: 'token', scopes: ['customer'] };
  }

  async check(vm: TargetVm, _source: SourceVm, signal: AbortSignal): Promise<readonly Finding[]> {
    signal.throwIfAborted();
    const { machines, capacity, customerId, imagesDirectory, hasUefi } = this.#options;
    const isDefined = (await this.#findOwn(vm)) !== undefined;
    return await findAtDrover(vm, {
      ...{ machines, capacity, customerId, imagesDirectory, hasUefi, isDefined },
    });
  }

  async placeDisks(vm: TargetVm, signal: AbortSignal): Promise<readonly DiskPlace[]> {
    signal.throwIfAborted();
    const folder = this.#folder(vm);
    await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
    return vm.disks.map((disk, at) => ({ key: disk.key, path: join(folder, diskFile(disk, at)) }));
  }

  async adoptDisks(
    _vm: TargetVm,
    places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<void> {
    const { guestUser } = this.#options;
    for (const { path } of places) {
      signal.throwIfAborted();
      await chmod(path, FILE_MODE);
      if (guestUser !== undefined) await chown(path, guestUser.uid, guestUser.gid);
    }
  }

  async define(
    vm: TargetVm,
    _places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<DefinedVm> {
    signal.throwIfAborted();
    const machine = (await this.#findOwn(vm)) ?? (await this.#create(vm));
    const { id, customerId, spec } = machine;
    return {
      ref: id,
      summary: {
        ...{ name: vm.name, machine_id: id, customer_id: customerId, firmware: vm.firmware },
        disks: spec.disks.map(({ givenPath }) => givenPath),
      },
    };
  }

  async start(ref: string, signal: AbortSignal): Promise<void> {
    const id = ref as MachineId;
    const { machines } = this.#options;
    if ((await machines.get(this.#principal, id)).state === 'running') return;
    try {
      await machines.command(this.#principal, id, { command: { kind: 'boot' }, signal });
    } catch (thrown) {
      signal.throwIfAborted();
      // Somebody else was first, such as an earlier attempt whose wait was cut off.
      if ((await machines.get(this.#principal, id)).state !== 'running') throw thrown;
    }
  }

  async awaitBoot(ref: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
    const { machines, clock, readyText } = this.#options;
    const id = ref as MachineId;
    const console = await machines.console(this.#principal, id);
    const machine = () => machines.get(this.#principal, id);
    return await awaitLife({ clock, machine, console, readyText }, timeoutMs, signal);
  }

  async remove(vm: TargetVm, signal: AbortSignal): Promise<readonly string[]> {
    const removed: string[] = [];
    const machine = await this.#findOwn(vm);
    if (machine !== undefined) {
      await this.#delete(machine.id, signal);
      removed.push(`machine ${machine.id} of ${machine.customerId}`);
    }
    const folder = this.#folder(vm);
    if (await isThere(folder)) {
      await rm(folder, { recursive: true, force: true });
      removed.push(folder);
    }
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The machines belong to the process, and nothing else is held.
  }

  #folder(vm: TargetVm): string {
    const { imagesDirectory, customerId } = this.#options;
    return join(imagesDirectory, folderOf(customerId, vm));
  }

  /** The customer's machine with the id of the job, if the job made it. */
  async #findOwn(vm: TargetVm): Promise<Machine | undefined> {
    try {
      const machine = await this.#options.machines.get(this.#principal, machineIdOf(vm));
      return machine.spec.metadata[JOB_KEY] === vm.owner ? machine : undefined;
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  async #create(vm: TargetVm): Promise<Machine> {
    const { machines, customerId, toGiven } = this.#options;
    const spec = toMachineSpec(vm, await this.#findDisks(vm));
    return await machines.create(this.#principal, {
      ...{ id: machineIdOf(vm), customerId },
      spec: { ...spec, given: toGiven(spec) },
      nicFields: spec.nics.map(({ id }) => `the NIC ${id}`),
    });
  }

  /** By the same rules as disks that a request names. */
  async #findDisks(vm: TargetVm): Promise<readonly FoundDisk[]> {
    const { images, customerId } = this.#options;
    const found: FoundDisk[] = [];
    for (const [at, disk] of vm.disks.entries()) {
      const givenPath = `${ALIAS}/${folderOf(customerId, vm)}/${diskFile(disk, at)}`;
      const image = await images.resolveDisk(`the disk ${disk.key}`, givenPath, customerId);
      if (!image.isOwn || image.format !== disk.format) throw disguised(disk.key, image.format);
      found.push({ path: image.realPath, givenPath, sizeBytes: image.sizeBytes });
    }
    return found;
  }

  async #delete(id: MachineId, signal: AbortSignal): Promise<void> {
    const command = { kind: 'delete', force: true } as const;
    try {
      await this.#options.machines.command(this.#principal, id, { command, signal });
    } catch (thrown) {
      if (!isErrorKind(thrown, 'not_found')) throw thrown;
    }
  }
}

/** A raw disk whose first bytes are those of another format could name files of the host. */
function disguised(key: string, format: string): DroverError {
  const text = `the content of the disk ${key} begins as an image of the format ${format} does`;
  return new DroverError('failed_precondition', text, {
    reason: 'DISK_DISGUISED',
    metadata: { disk: key, remedy: 'set options.disk_format to qcow2' },
  });
}
