/**
 * Runs machines as QEMU processes on this host. This file ties the parts together; each part says
 * in its own file what it promises: machine-directory.ts what lies where, qemu-argv.ts how a guest
 * is made, qemu-process.ts how it is started, qemu-guest.ts how it is watched and controlled,
 * qemu-finder.ts how it is found again.
 */
import { execFile } from 'node:child_process';
import { mkdir, realpath, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import { silentLog, type Log } from '#kernel/log.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type {
  ConsoleLog,
  Hypervisor,
  HypervisorCapabilities,
  HypervisorHealth,
  LaunchRequest,
  ProcessRecord,
} from '#machines/hypervisor.ts';
import type { AcceleratorResult } from './accelerator-probe.ts';
import { CONSOLE_FILE_BYTES, FileConsoleLog, settleConsole } from './console-log.ts';
import { findEfiFirmware, type EfiFirmware } from './firmware.ts';
import { GuestLife } from './guest-life.ts';
import { allows, assertReadable, withDiskFullTold } from './launch-error.ts';
import { listMachineDirectories, MachineDirectory, type LaunchNotes } from './machine-directory.ts';
import { CONSOLE_FILE, OUTPUT_DIRECTORY, QMP_SOCKET } from './machine-files.ts';
import { ensureEfiVars, ensureOverlay } from './overlay-disks.ts';
import { isAlive, signalProcess, type ProcessIdentity } from './process-table.ts';
import { buildQemuArgv, hasVirtioConsole } from './qemu-argv.ts';
import { findQemu } from './qemu-finder.ts';
import { QemuGuest } from './qemu-guest.ts';
import { startQemu, type StartedProcess } from './qemu-process.ts';
import type { QemuUser } from './qemu-user.ts';
import { openQmpClient, type QmpClient } from './qmp-client.ts';
import { readTscKhz } from './tsc-frequency.ts';

export interface QemuHypervisorOptions {
  readonly clock: Clock;
  readonly log?: Log;
  /** Holds one folder per machine; made when it is not there. */
  readonly stateDir: string;
  readonly accelerator: AcceleratorResult;
  /** Whom QEMU runs as; undefined: as Drover does. */
  readonly runAs: QemuUser | undefined;
  readonly binary?: string;
  readonly qemuImg?: string;
  /** The console keeps up to two files of this size per machine. */
  readonly consoleFileBytes?: number;
}

const TUN_DEVICE = '/dev/net/tun';
const ADOPT_CONNECT_MS = 2 * SECOND_MS;
const DISCARD_KILL_MS = 5 * SECOND_MS;
const DISCARD_LOOK_MS = 20;
const VERSION_FRESH_MS = 30 * SECOND_MS;
const VERSION_MS = 5 * SECOND_MS;

const execFileAsync = promisify(execFile);

export class QemuHypervisor implements Hypervisor {
  readonly kind = 'qemu';
  readonly capabilities: HypervisorCapabilities = {
    supportsPause: true,
    supportsPowerButton: true,
    supportsFirmwareBoot: true,
    supportsSnapshot: false,
    supportsHotplug: false,
  };
  readonly #options: Required<QemuHypervisorOptions>;
  #tscKhz: Promise<number | undefined> | undefined;
  #stateDir: Promise<string> | undefined;
  #version: { readonly text: string; readonly readAtMs: number } | undefined;

  constructor(options: QemuHypervisorOptions) {
    this.#options = {
      log: silentLog,
      binary: 'qemu-system-x86_64',
      qemuImg: 'qemu-img',
      consoleFileBytes: CONSOLE_FILE_BYTES,
      ...options,
    };
  }

  async health(signal: AbortSignal): Promise<HypervisorHealth> {
    const { accelerator } = this.#options;
    try {
      const version = await this.#readVersion(signal);
      const { accelerator: name, reason } = accelerator;
      return { isHealthy: true, message: `QEMU ${version}, ${name}: ${reason}` };
    } catch (thrown) {
      signal.throwIfAborted();
      const isMissing = systemErrorCode(thrown) === 'ENOENT';
      const message = isMissing
        ? 'QEMU is not installed; install the package qemu-system-x86'
        : 'QEMU does not run on this host; see the log of the server';
      this.#options.log.warn({ error: thrown }, 'QEMU is not healthy');
      return { isHealthy: false, message };
    }
  }

  async launch(request: LaunchRequest, signal: AbortSignal): Promise<QemuGuest> {
    const present = await this.adopt(request.machineId, undefined, signal);
    if (present !== undefined) {
      if ((await present.status(signal)) === 'paused') await present.resume(signal);
      return present;
    }
    try {
      return await this.#start(request, signal);
    } catch (thrown) {
      throw withDiskFullTold(thrown);
    }
  }

  async adopt(
    machineId: MachineId,
    record: ProcessRecord | undefined,
    signal: AbortSignal,
  ): Promise<QemuGuest | undefined> {
    signal.throwIfAborted();
    const directory = await this.#directory(machineId);
    const found = await findQemu(machineId, directory, record);
    if (found === undefined) {
      await settleConsole(directory);
      return undefined;
    }
    const life = new GuestLife();
    const notes = await directory.readNotes();
    const qmp = await this.#connect(directory, life, signal);
    const started = { qmp, ended: undefined };
    return this.#guest({ directory, notes, record: found, life, started });
  }

  console(machineId: MachineId): ConsoleLog {
    const directory = new MachineDirectory(this.#options.stateDir, machineId);
    return new FileConsoleLog(directory, this.#options.clock);
  }

  async discard(machineId: MachineId, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const directory = await this.#directory(machineId);
    const found = await findQemu(machineId, directory, undefined);
    if (found !== undefined) await this.#end(found, signal);
    await directory.remove();
  }

  async leftovers(signal: AbortSignal): Promise<readonly MachineId[]> {
    signal.throwIfAborted();
    return await listMachineDirectories(this.#options.stateDir);
  }

  /** The state directory by its real name, which is what the kernel calls it too. */
  async #directory(machineId: MachineId): Promise<MachineDirectory> {
    this.#stateDir ??= openStateDir(this.#options.stateDir);
    return new MachineDirectory(await this.#stateDir, machineId);
  }

  async #start(request: LaunchRequest, signal: AbortSignal): Promise<QemuGuest> {
    const { runAs, clock, binary } = this.#options;
    const firmware = isUefi(request) ? await findEfiFirmware() : undefined;
    await this.#assertReadable(request);
    const directory = await this.#directory(request.machineId);
    const args = buildQemuArgv(request, {
      accelerator: this.#options.accelerator.accelerator,
      tscKhz: await (this.#tscKhz ??= readTscKhz()),
      efiCodePath: firmware?.codePath,
    });
    const notes = notesOf(request);
    await this.#prepare(directory, request, { firmware, notes, signal });
    const life = new GuestLife();
    const started = await startQemu({
      ...{ clock, binary, args, directory, runAs, signal },
      needsTun: runAs !== undefined && hasTap(request) && !(await allows(TUN_DEVICE, runAs, 6)),
      onEvent: (event) => life.observe(event),
    });
    const record: ProcessRecord = {
      ...started.identity,
      socketPath: directory.file(QMP_SOCKET),
      argv: [binary, ...args],
    };
    const guest = this.#guest({ directory, notes, record, life, started });
    await ensureRunning(guest, signal);
    return guest;
  }

  async #assertReadable({ spec }: LaunchRequest): Promise<void> {
    const { runAs } = this.#options;
    const { boot } = spec;
    const checks: Promise<void>[] = [];
    const check = (what: string, path: string, isWritten: boolean) =>
      checks.push(assertReadable(what, path, { runAs, isWritten }));
    if (boot.kind === 'kernel') {
      check('config.boot.kernel_path', boot.kernelPath, false);
      if (boot.initrdPath !== undefined) check('config.boot.initrd_path', boot.initrdPath, false);
    }
    for (const disk of spec.disks) {
      const isWritten = disk.writeMode === 'direct' && !disk.isReadOnly;
      check(`config.storage: disk ${disk.id}`, disk.path, isWritten);
    }
    await Promise.all(checks);
  }

  async #prepare(
    directory: MachineDirectory,
    request: LaunchRequest,
    options: {
      readonly firmware: EfiFirmware | undefined;
      readonly notes: LaunchNotes;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { runAs: owner, qemuImg } = this.#options;
    const { firmware, notes, signal } = options;
    const { disks, console } = request.spec;
    await directory.prepare(owner);
    for (const disk of disks) {
      if (disk.isReadOnly || disk.writeMode !== 'overlay') continue;
      await ensureOverlay(directory, disk, { qemuImg, owner, signal });
    }
    if (firmware !== undefined) await ensureEfiVars(directory, firmware.varsTemplatePath, owner);
    await directory.writeNotes(notes);
    if (console.outputFile !== undefined) await linkOutput(directory, console.outputFile);
  }

  /** Ends a process that need not answer, and that somebody else may be watching. */
  async #end(identity: ProcessIdentity, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    using deadline = openDeadline(clock, DISCARD_KILL_MS, 'ending the process of the VM', signal);
    signalProcess(identity, 'SIGKILL');
    while (isAlive(identity)) await clock.sleep(DISCARD_LOOK_MS, deadline.signal);
  }

  async #connect(
    directory: MachineDirectory,
    life: GuestLife,
    signal: AbortSignal,
  ): Promise<QmpClient | undefined> {
    const { clock, log } = this.#options;
    using deadline = openDeadline(clock, ADOPT_CONNECT_MS, 'connecting to QEMU', signal);
    try {
      const onEvent = life.observe.bind(life);
      return await directory.withSocket(QMP_SOCKET, (path) =>
        openQmpClient(path, { clock, signal: deadline.signal, onEvent }),
      );
    } catch (thrown) {
      signal.throwIfAborted();
      log.warn({ directory: directory.path, error: thrown }, 'QEMU lives but does not answer');
      return undefined;
    }
  }

  #guest(parts: {
    readonly directory: MachineDirectory;
    readonly notes: LaunchNotes;
    readonly record: ProcessRecord;
    readonly life: GuestLife;
    readonly started: { qmp: QmpClient | undefined; ended: StartedProcess['ended'] | undefined };
  }): QemuGuest {
    const { clock, log, consoleFileBytes } = this.#options;
    const { started, ...rest } = parts;
    const { qmp, ended } = started;
    return new QemuGuest({ ...rest, clock, log, consoleFileBytes, qmp, ended });
  }

  async #readVersion(signal: AbortSignal): Promise<string> {
    const { clock, binary, qemuImg } = this.#options;
    const known = this.#version;
    if (known !== undefined && clock.monotonicMs() - known.readAtMs < VERSION_FRESH_MS) {
      return known.text;
    }
    using deadline = openDeadline(clock, VERSION_MS, 'asking QEMU for its version', signal);
    const ask = (program: string) =>
      execFileAsync(program, ['--version'], { signal: deadline.signal });
    const [{ stdout }] = await untilAborted(
      Promise.all([ask(binary), ask(qemuImg)]),
      deadline.signal,
    );
    const text = /version (\S+)/.exec(stdout)?.[1] ?? 'of an unknown version';
    this.#version = { text, readAtMs: clock.monotonicMs() };
    return text;
  }
}

async function openStateDir(path: string): Promise<string> {
  // Others pass through it to folders of their own, and see nothing of what is there.
  await mkdir(path, { recursive: true, mode: 0o711 });
  return await realpath(path);
}

/** QEMU starts its processors by itself; this makes sure that it did. */
async function ensureRunning(guest: QemuGuest, signal: AbortSignal): Promise<void> {
  try {
    if ((await guest.status(signal)) === 'paused') await guest.resume(signal);
  } catch (thrown) {
    await using _guest = guest;
    // The caller has given up or QEMU is broken; either way nothing may stay.
    await guest.kill(AbortSignal.timeout(DISCARD_KILL_MS));
    throw thrown;
  }
}

/** The console under the name that was asked for, as a link that follows rotation. */
async function linkOutput(directory: MachineDirectory, outputFile: string): Promise<void> {
  if (outputFile.includes('/') || outputFile.startsWith('.') || outputFile.includes('\0')) {
    throw invalidArgument('config.console.output_file', 'must be a plain file name');
  }
  const folder = directory.file(OUTPUT_DIRECTORY);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  await symlink(join('..', CONSOLE_FILE), join(folder, outputFile));
}

function notesOf({ spec, nics }: LaunchRequest): LaunchNotes {
  const taps = nics.map((nic) => (nic.kind === 'tap' ? nic.tapDevice : undefined));
  const known = taps.filter((tap) => tap !== undefined);
  return {
    machineType: spec.boot.machineType,
    tapDevices: known.length === taps.length ? known : undefined,
    isConsoleLogged: spec.console.isEnabled,
    hasVirtioConsole: hasVirtioConsole(spec.console),
  };
}

function hasTap({ nics }: LaunchRequest): boolean {
  return nics.some((nic) => nic.kind === 'tap');
}

function isUefi({ spec }: LaunchRequest): boolean {
  return spec.boot.kind === 'firmware' && spec.boot.firmware === 'uefi';
}
