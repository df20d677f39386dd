/**
 * Disks as files of a directory that both Drover and libvirt reach, so that they are written once,
 * in their place. The name that bears the owner is a second link to the file until the domain is
 * defined: putting a disk in its place overwrites nothing, and needs no list of what was done.
 */
import { access, chmod, chown, constants, link, lstat, mkdir, open } from 'node:fs/promises';
import { rm, stat, statfs } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { NamedDisk } from './disk-names.ts';
import type { DiskSource } from './domain-disks.ts';
import type { DiskStorage, Room } from './disk-storage.ts';

export interface DirectoryStorageOptions {
  readonly path: string;
  readonly label: string;
  /** Makes the pool that this is the directory of look at it again; undefined: there is none. */
  readonly refreshPool: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** Passable, since QEMU runs as another user, and closed to everybody else. */
const DIRECTORY_MODE = 0o711;
const FILE_MODE = 0o600;

export class DirectoryStorage implements DiskStorage {
  readonly label: string;
  readonly onlyFormat = undefined;
  readonly isSentTo = false;
  readonly directory: string;
  readonly #refreshPool: DirectoryStorageOptions['refreshPool'];

  constructor({ path, label, refreshPool }: DirectoryStorageOptions) {
    this.directory = path;
    this.label = label;
    this.#refreshPool = refreshPool;
  }

  async place(disk: NamedDisk): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: DIRECTORY_MODE });
    return this.#partial(disk);
  }

  async unsentBytes(): Promise<undefined> {
    // It was written in its place.
  }

  async send(): Promise<void> {
    // There is nothing to be sent.
  }

  async adopt(disk: NamedDisk): Promise<void> {
    const partial = await statIfThere(this.#partial(disk));
    if (partial === undefined) throw diskGone(disk, this.label);
    const final = await statIfThere(this.#final(disk));
    if (final !== undefined) {
      if (isSameFile(partial, final)) return;
      throw inTheWay(this.#final(disk));
    }
    await this.#giveToDirectory(this.#partial(disk));
    await this.#link(this.#partial(disk), this.#final(disk));
  }

  async source(disk: NamedDisk): Promise<DiskSource> {
    await lstat(this.#final(disk));
    return { kind: 'file', path: this.#final(disk) };
  }

  async settle(disk: NamedDisk): Promise<void> {
    await rm(this.#partial(disk), { force: true });
  }

  async claim(disk: NamedDisk): Promise<void> {
    if ((await statIfThere(this.#final(disk))) === undefined) return;
    if ((await statIfThere(this.#partial(disk))) !== undefined) return;
    await this.#link(this.#final(disk), this.#partial(disk));
  }

  async remove(disk: NamedDisk): Promise<readonly string[]> {
    const partial = await statIfThere(this.#partial(disk));
    if (partial === undefined) return [];
    const final = await statIfThere(this.#final(disk));
    const isOurs = final !== undefined && isSameFile(partial, final);
    if (isOurs) await rm(this.#final(disk), { force: true });
    await rm(this.#partial(disk), { force: true });
    return [isOurs ? this.#final(disk) : this.#partial(disk)];
  }

  async obstacle(disk: NamedDisk): Promise<string | undefined> {
    const final = await statIfThere(this.#final(disk));
    if (final === undefined) return undefined;
    const partial = await statIfThere(this.#partial(disk));
    if (partial !== undefined && isSameFile(partial, final)) return undefined;
    return this.#final(disk);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.#refreshPool?.(signal);
  }

  async rooms(): Promise<readonly Room[]> {
    return [await roomOf(this.directory, this.label)];
  }

  #partial(disk: NamedDisk): string {
    return join(this.directory, disk.partialName);
  }

  #final(disk: NamedDisk): string {
    return join(this.directory, disk.fileName);
  }

  /** The daemon of a session runs as whoever owns its directory; the system's needs no help. */
  async #giveToDirectory(path: string): Promise<void> {
    await chmod(path, FILE_MODE);
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(this.directory);
    await chown(path, uid, gid);
  }

  async #link(from: string, to: string): Promise<void> {
    try {
      await link(from, to);
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      if (code === 'EEXIST') throw inTheWay(to);
      if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') {
        throw noLinks(this.directory, thrown);
      }
      throw thrown;
    }
    await using directory = await open(this.directory, constants.O_RDONLY);
    await directory.sync();
  }
}

/** Of the file system, even when the directory is still to be made. */
export async function roomOf(path: string, label: string): Promise<Room> {
  const { bavail, bsize } = await statfs(await nearestDirectory(path));
  return { label, freeBytes: bavail * bsize, takesWholeDisks: false };
}

/** Whether files can be made in it, or it itself can be made. */
export async function isWritable(path: string): Promise<boolean> {
  try {
    await access(await nearestDirectory(path), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function nearestDirectory(path: string): Promise<string> {
  const found = await statIfThere(path);
  const parent = join(path, '..');
  return found !== undefined || parent === path ? path : await nearestDirectory(parent);
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function isSameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

export function diskGone({ disk }: NamedDisk, where: string): DroverError {
  return new DroverError(
    'data_loss',
    `the disk ${disk.key} was written to ${where}, but its file is no longer there`,
    { reason: 'DISK_FILE_GONE', metadata: { disk: disk.key } },
  );
}

function inTheWay(path: string): DroverError {
  return new DroverError('already_exists', `${path} is there already, and not of this job`, {
    reason: 'FILE_IN_THE_WAY',
    metadata: { path, remedy: 'remove it, or give the VM another name' },
  });
}

function noLinks(directory: string, cause: unknown): DroverError {
  return new DroverError(
    'failed_precondition',
    `${directory} lies on a file system without hard links`,
    { reason: 'DIRECTORY_UNSUITED', metadata: { remedy: 'choose another directory' }, cause },
  );
}
