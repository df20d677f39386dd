/**
 * Another Drover as a place for VMs to go to: each becomes a machine of a customer there.
 *
 *   copy ─▶ a file here ─▶ sent, checked there ─▶ file removed ─▶ machine created ─▶ booted
 *           WORK/JOB/disk-0.qcow2
 *
 * The ids of the machine and of its disks follow from that of the job, and both name the job: what
 * another made under such an id is not touched. The files here go when all disks are there.
 */
import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import { formatBytes } from '#kernel/units.ts';
import type { Finding } from '#transfers/finding.ts';
import { isThere } from '#transfers/is-there.ts';
import { findingOf } from '#transfers/machine-findings.ts';
import { awaitLife } from '#transfers/machine-boot-watch.ts';
import { diskFile, machineIdOf, toMachineSpec } from '#transfers/machine-plan.ts';
import type { FoundDisk } from '#transfers/machine-plan.ts';
import type { TargetJob } from '#transfers/migration-parts.ts';
import type { RemoteDrover } from '#transfers/migration-spec.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { DefinedVm, DiskPlace, Sending, Target, TargetVm } from '#transfers/target.ts';
import { DroverClient } from './drover-client.ts';
import { RemoteDisks, type RemoteDisksParts } from './remote-disks.ts';
import { findAtRemote } from './remote-findings.ts';
import { RemoteMachines, type RemoteMachine } from './remote-machines.ts';

export interface DroverRemoteTargetOptions extends Pick<RemoteDisksParts, 'hash'> {
  readonly clock: Clock;
  readonly remote: RemoteDrover;
  readonly customerId: CustomerId;
  readonly job: TargetJob;
  /** For the files until they are there. */
  readonly workDirectory: string;
  /** The configuration as a caller of the API gives it. */
  readonly toGiven: (spec: Omit<MachineSpec, 'given'>) => unknown;
  readonly readyText: string | undefined;
}

const DIRECTORY_MODE = 0o700;

export class DroverRemoteTarget implements Target {
  readonly kind = 'drover';
  readonly #options: DroverRemoteTargetOptions;
  readonly #client: DroverClient;
  readonly #machines: RemoteMachines;
  readonly #disks: RemoteDisks;

  constructor(options: DroverRemoteTargetOptions) {
    const { remote, customerId, job, clock, hash } = options;
    const token = job.secrets['token'] ?? '';
    this.#options = options;
    this.#client = new DroverClient({ ...remote, token, clock });
    this.#machines = new RemoteMachines(this.#client, customerId);
    this.#disks = new RemoteDisks({ client: this.#client, customerId, clock, job, hash });
  }

  async check(vm: TargetVm, _source: SourceVm, signal: AbortSignal): Promise<readonly Finding[]> {
    const { customerId } = this.#options;
    const there = () => this.#machines.find(machineIdOf(vm), signal);
    const parts = { client: this.#client, machines: this.#machines, customerId, there };
    const found = await findAtRemote(vm, parts, signal);
    return [...found, ...(await stagingFindings(vm, dirname(this.#options.workDirectory)))];
  }

  async placeDisks(vm: TargetVm, signal: AbortSignal): Promise<readonly DiskPlace[]> {
    signal.throwIfAborted();
    const folder = this.#folder(vm);
    await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
    return vm.disks.map((disk, at) => ({
      ...{ key: disk.key, path: join(folder, diskFile(disk, at)), isSentOn: true },
    }));
  }

  async sendDisks(
    vm: TargetVm,
    places: readonly DiskPlace[],
    { begin, advance, limiter }: Sending,
    signal: AbortSignal,
  ): Promise<void> {
    const files = new Map<string, string>();
    const lengths = new Map<string, number>();
    for (const { key, path } of places) {
      // An attempt before this one may have removed it, when all were there.
      if (!(await isThere(path))) continue;
      files.set(key, path);
      lengths.set(key, (await stat(path)).size);
    }
    begin(lengths);
    for (const [at, { key }] of vm.disks.entries()) {
      const file = files.get(key);
      if (file === undefined) continue;
      const onProgress = (doneBytes: number) => advance(key, doneBytes);
      await this.#disks.bring(vm, at, { file, limiter, onProgress }, signal);
    }
  }

  async adoptDisks(
    vm: TargetVm,
    _places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#readyDisks(vm, signal);
    await rm(this.#folder(vm), { recursive: true, force: true });
  }

  async define(
    vm: TargetVm,
    _places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<DefinedVm> {
    const { customerId, remote, toGiven } = this.#options;
    const id = machineIdOf(vm);
    const found = await this.#readyDisks(vm, signal);
    if ((await this.#findOwn(vm, signal)) === undefined) {
      await this.#machines.create(id, toGiven(toMachineSpec(vm, found)), signal);
    }
    return {
      ref: id,
      summary: {
        ...{ name: vm.name, machine_id: id, customer_id: customerId, drover_url: remote.url },
        ...{ firmware: vm.firmware, disks: found.map(({ givenPath }) => givenPath) },
      },
    };
  }

  async start(ref: string, signal: AbortSignal): Promise<void> {
    const id = ref as MachineId;
    if ((await this.#machines.get(id, signal)).state === 'running') return;
    try {
      await this.#machines.boot(id, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      // Somebody else was first, such as an earlier attempt whose connection was cut.
      if ((await this.#machines.get(id, signal)).state !== 'running') throw thrown;
    }
  }

  async awaitBoot(ref: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
    const { clock, readyText } = this.#options;
    const id = ref as MachineId;
    const machine = () => this.#machines.get(id, signal);
    const console = {
      read: async (_offset: number, mostBytes: number) => {
        const data = await this.#machines.console(id, mostBytes, signal);
        return { offset: 0, data, nextOffset: data.length, isTruncated: false };
      },
    };
    return await awaitLife({ clock, machine, console, readyText }, timeoutMs, signal);
  }

  async remove(vm: TargetVm, signal: AbortSignal): Promise<readonly string[]> {
    const { remote } = this.#options;
    const removed: string[] = [];
    const machine = await this.#findOwn(vm, signal);
    if (machine !== undefined) {
      await this.#delete(machine, signal);
      removed.push(`machine ${machine.id} of ${machine.customerId} at ${remote.url}`);
    }
    for (const at of vm.disks.keys()) {
      const disk = await this.#disks.remove(vm, at, signal);
      if (disk !== undefined) removed.push(`${disk} at ${remote.url}`);
    }
    const folder = this.#folder(vm);
    if (await isThere(folder)) {
      await rm(folder, { recursive: true, force: true });
      removed.push(folder);
    }
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  #folder({ owner }: TargetVm): string {
    return join(this.#options.workDirectory, owner);
  }

  async #readyDisks(vm: TargetVm, signal: AbortSignal): Promise<readonly FoundDisk[]> {
    const found: FoundDisk[] = [];
    for (const [at, { key, capacityBytes }] of vm.disks.entries()) {
      const there = await this.#disks.find(vm, at, signal);
      if (there?.state !== 'ready') throw lost(key);
      found.push({ path: there.path, givenPath: there.path, sizeBytes: capacityBytes });
    }
    return found;
  }

  /** The customer's machine with the id of the job, if the job made it. */
  async #findOwn(vm: TargetVm, signal: AbortSignal): Promise<RemoteMachine | undefined> {
    const machine = await this.#machines.find(machineIdOf(vm), signal);
    const isOwn = machine?.job === vm.owner && machine.customerId === this.#options.customerId;
    return isOwn ? machine : undefined;
  }

  async #delete({ id }: RemoteMachine, signal: AbortSignal): Promise<void> {
    try {
      await this.#machines.remove(id, signal);
    } catch (thrown) {
      if (!isErrorKind(thrown, 'not_found')) throw thrown;
    }
  }
}

/** The disks lie here until they are sent. */
async function stagingFindings(
  { disks }: TargetVm,
  directory: string,
): Promise<readonly Finding[]> {
  const needed = disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= needed) return [];
  const free = formatBytes(bavail * bsize);
  const what = `the disks may grow to ${formatBytes(needed)}, and until they are sent there is `;
  const finding = findingOf('warning');
  return [finding('staging-may-run-out', `${what}${free} for them here`, 'make room here')];
}

function lost(key: string): DroverError {
  const text =
    `the disk ${key} is neither here nor at the other Drover any more; ` +
    'clean the job up and submit a new one';
  return new DroverError('failed_precondition', text, { reason: 'DISK_LOST' });
}
