/**
 * The folder a machine has on this host, 0700, owned by the user its QEMU runs as:
 *
 *     <state directory>/<machine id>/
 *       qmp.sock agent.sock              QEMU makes them, and QEMU or the next launch removes them
 *       qemu.pid                         of the last QEMU, whether or not it still runs
 *       qemu.log                         what QEMU complained of
 *       console.log console.log.<start>  see console-log.ts
 *       disks/<disk id>.qcow2            copy-on-write overlays; they outlive shutdown
 *       efi-vars.fd                      UEFI settings of the guest
 *       launch.json                      what the next Drover must know of the running guest
 *
 * The folder belongs to the user QEMU runs as, so a guest that has taken over its QEMU could put
 * symlinks there. Drover, which may be root, follows none of them: it opens with O_NOFOLLOW, and
 * creates only what is not there.
 *
 * QEMU works inside the folder and uses these names as they stand, so the length of the state
 * directory's path does not matter to it. A unix socket has room for 107 bytes of path: where the
 * whole path is longer, Drover connects through a descriptor of the folder.
 */
import {
  chmod,
  constants,
  lchown,
  mkdir,
  open,
  readdir,
  rm,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';

import { systemErrorCode } from '#kernel/errors.ts';
import { isMachineId, type MachineId } from '#kernel/ids.ts';
import type { MachineType } from '#machines/machine-spec.ts';
import {
  AGENT_SOCKET,
  DISKS_DIRECTORY,
  LAUNCH_FILE,
  PID_FILE,
  QMP_SOCKET,
} from './machine-files.ts';
import { isRecord } from './qmp-reader.ts';
import type { QemuUser } from './qemu-user.ts';

/** What cannot be told from the process itself. */
export interface LaunchNotes {
  readonly machineType: MachineType;
  /** The taps of the NICs; undefined when one of them has none, and then nothing counts bytes. */
  readonly tapDevices: readonly string[] | undefined;
  readonly isConsoleLogged: boolean;
  readonly hasVirtioConsole: boolean;
}

const MOST_SOCKET_PATH_BYTES = 107;
const MOST_FILE_BYTES = 64 * 1024;
/** The other files are Drover's own. */
const OWNED_BY_QEMU = /^(?:disks|efi-vars\.fd|console\.log(?:\.\d+(?:\.open)?)?)$/;
const STALE_AT_LAUNCH = [QMP_SOCKET, AGENT_SOCKET, PID_FILE];

export class MachineDirectory {
  readonly path: string;

  constructor(stateDir: string, id: MachineId) {
    this.path = join(stateDir, id);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder, or takes it up again, without what an earlier QEMU left behind. */
  async prepare(owner: QemuUser | undefined): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await mkdir(this.file(DISKS_DIRECTORY), { recursive: true, mode: 0o700 });
    await chmod(this.path, 0o700);
    for (const name of STALE_AT_LAUNCH) await rm(this.file(name), { force: true });
    if (owner === undefined) return;
    // What is there may be of a time when QEMU ran as somebody else.
    const disks = await readdir(this.file(DISKS_DIRECTORY));
    const names = (await readdir(this.path)).filter((name) => OWNED_BY_QEMU.test(name));
    for (const name of ['', ...names, ...disks.map((disk) => join(DISKS_DIRECTORY, disk))]) {
      await lchown(this.file(name), owner.uid, owner.gid);
    }
  }

  /** Of the file itself, never of what a symlink in its place leads to. */
  async open(name: string, flags: number): Promise<FileHandle> {
    return await open(this.file(name), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  }

  /** In place of whatever has the name. */
  async create(name: string, extraFlags = 0): Promise<FileHandle> {
    await rm(this.file(name), { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    return await this.open(name, O_WRONLY | O_CREAT | O_EXCL | extraFlags);
  }

  async write(name: string, text: string): Promise<void> {
    await using file = await this.create(name);
    await file.writeFile(text);
  }

  async writeNotes(notes: LaunchNotes): Promise<void> {
    await this.write(LAUNCH_FILE, JSON.stringify(notes));
  }

  /** What can be said without notes is the least that is true of every guest. */
  async readNotes(): Promise<LaunchNotes> {
    const least = { machineType: 'microvm', hasVirtioConsole: false } as const;
    const unknown = { ...least, tapDevices: undefined, isConsoleLogged: false };
    const notes = parseJson(await this.#readIfThere(LAUNCH_FILE));
    if (!isRecord(notes)) return unknown;
    const { tapDevices } = notes;
    return {
      machineType: notes['machineType'] === 'q35' ? 'q35' : 'microvm',
      tapDevices: isTextList(tapDevices) ? tapDevices : undefined,
      isConsoleLogged: notes['isConsoleLogged'] === true,
      hasVirtioConsole: notes['hasVirtioConsole'] === true,
    };
  }

  async readPid(): Promise<number | undefined> {
    const text = (await this.#readIfThere(PID_FILE)).trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  }

  /** Calls with a path to a socket in here that is short enough to connect to. */
  async withSocket<T>(name: string, use: (path: string) => Promise<T>): Promise<T> {
    const path = this.file(name);
    if (Buffer.byteLength(path) <= MOST_SOCKET_PATH_BYTES) return await use(path);
    await using folder = await open(this.path, 'r');
    return await use(`/proc/self/fd/${folder.fd}/${name}`);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  async #readIfThere(name: string): Promise<string> {
    try {
      await using file = await this.open(name, constants.O_RDONLY);
      const { bytesRead, buffer } = await file.read(
        Buffer.alloc(MOST_FILE_BYTES),
        0,
        MOST_FILE_BYTES,
        0,
      );
      return buffer.toString('utf8', 0, bytesRead);
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      if (code === 'ENOENT' || code === 'ELOOP') return '';
      throw thrown;
    }
  }
}

/** The machines that have a folder. */
export async function listMachineDirectories(stateDir: string): Promise<readonly MachineId[]> {
  try {
    const entries = await readdir(stateDir, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return names.filter(isMachineId);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Cut off by a crash: the same as not written.
    return undefined;
  }
}
