/**
 * Disks as volumes of a pool that only libvirt reaches: on another host, or on logical volumes.
 * They are written to a file here first, and then sent. The name of a volume bears the owner for
 * good; the file here goes when all of it has been sent, so where there is none, it has been. One
 * that was sent in part is sent again as a whole.
 */
import { lstat, mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenBucket } from '#disks/rate-limiter.ts';
import type { Clock } from '#kernel/clock.ts';
import { isErrorKind, systemErrorCode } from '#kernel/errors.ts';
import { DAY_MS } from '#kernel/units.ts';
import { diskGone, roomOf } from './directory-storage.ts';
import type { NamedDisk } from './disk-names.ts';
import type { DiskSource } from './domain-disks.ts';
import type { DiskSending, DiskStorage, Room } from './disk-storage.ts';
import { openUploadMeter } from './upload-meter.ts';
import { paceUpload } from './upload-pace.ts';
import type { Virsh } from './virsh.ts';

export interface VolumeStorageOptions {
  readonly virsh: Virsh;
  readonly clock: Clock;
  readonly pool: string;
  readonly kind: DiskSource['kind'];
  /** Of a job, here. */
  readonly workDirectory: string;
}

/** A disk of 30 TB at 100 MB/s takes three and a half. */
const UPLOAD_MS = 7 * DAY_MS;
const CREATE_MS = 600_000;

export class VolumeStorage implements DiskStorage {
  readonly label: string;
  readonly onlyFormat: 'raw' | undefined;
  readonly directory = undefined;
  readonly isSentTo = true;
  readonly #options: VolumeStorageOptions;

  constructor(options: VolumeStorageOptions) {
    this.#options = options;
    this.label = `pool ${options.pool}`;
    this.onlyFormat = options.kind === 'block' ? 'raw' : undefined;
  }

  async place(disk: NamedDisk): Promise<string> {
    await mkdir(this.#options.workDirectory, { recursive: true, mode: 0o700 });
    return this.#staged(disk);
  }

  async unsentBytes(disk: NamedDisk): Promise<number | undefined> {
    return await sizeIfThere(this.#staged(disk));
  }

  async send(disk: NamedDisk, sending: DiskSending, signal: AbortSignal): Promise<void> {
    const { virsh, pool, kind, clock } = this.#options;
    const sizeBytes = await this.unsentBytes(disk);
    if (sizeBytes === undefined) return;
    await this.#create(disk, sizeBytes, signal);
    const name = disk.volumeName;
    // On a block device a hole would keep what an earlier volume had there.
    const sparse = kind === 'file' ? ['--sparse'] : [];
    // By the name by which the kernel knows it.
    const file = await realpath(this.#staged(disk));
    await virsh.run(
      ['vol-upload', `--pool=${pool}`, `--vol=${name}`, `--file=${file}`, ...sparse],
      {
        ...{ signal, timeoutMs: UPLOAD_MS },
        attend: (running) =>
          paceUpload(running, { clock, meter: openUploadMeter(running.pid, file), ...sending }),
      },
    );
    sending.onProgress(sizeBytes);
    await rm(file, { force: true });
  }

  async adopt(disk: NamedDisk, signal: AbortSignal): Promise<void> {
    // Whether it came there is looked at when the domain is to have it. A file that nobody has sent
    // yet goes as fast as it can.
    const limiter = new TokenBucket(this.#options.clock);
    await this.send(disk, { limiter, onProgress: () => undefined }, signal);
  }

  async source(disk: NamedDisk, signal: AbortSignal): Promise<DiskSource> {
    const path = await this.#path(disk, signal);
    if (path === undefined) throw diskGone(disk, this.label);
    return { kind: this.#options.kind, path };
  }

  async settle(): Promise<void> {
    // The name of the volume says whose it is, and stays.
  }

  async claim(): Promise<void> {
    // The name of the volume has always said whose it is.
  }

  async remove(disk: NamedDisk, signal: AbortSignal): Promise<readonly string[]> {
    const removed: string[] = [];
    if ((await sizeIfThere(this.#staged(disk))) !== undefined) {
      await rm(this.#staged(disk), { force: true });
      removed.push(this.#staged(disk));
    }
    if (await this.#deleteIfThere(disk, signal)) {
      removed.push(`volume ${disk.volumeName} of ${this.label}`);
    }
    return removed;
  }

  async obstacle(): Promise<string | undefined> {
    // A volume of the name is ours.
    return undefined;
  }

  async refresh(): Promise<void> {
    // libvirt made the volumes itself.
  }

  async rooms(signal: AbortSignal): Promise<readonly Room[]> {
    const { virsh, pool, kind, workDirectory } = this.#options;
    const text = await virsh.run(['pool-info', `--pool=${pool}`, '--bytes'], { signal });
    const bytes = /^Available:\s+(\d{1,16})$/m.exec(text)?.[1];
    const freeBytes = bytes === undefined ? undefined : Number(bytes);
    const label = `the directory ${workDirectory} of Drover`;
    return [
      { label: this.label, freeBytes, takesWholeDisks: kind === 'block' },
      await roomOf(workDirectory, label),
    ];
  }

  #staged(disk: NamedDisk): string {
    return join(this.#options.workDirectory, disk.partialName);
  }

  async #path(disk: NamedDisk, signal: AbortSignal): Promise<string | undefined> {
    const { virsh, pool } = this.#options;
    const asked = [`--pool=${pool}`, `--vol=${disk.volumeName}`];
    try {
      return (await virsh.run(['vol-path', ...asked], { signal })).trim();
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  /** What an upload that broke off has left may be of another length, and is made anew. */
  async #create(disk: NamedDisk, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const { virsh, pool, kind } = this.#options;
    // As raw, and as long as the file: what format it has shows when libvirt looks inside.
    const size = [`--capacity=${sizeBytes}`, ...(kind === 'file' ? ['--allocation=0'] : [])];
    const asked = [`--pool=${pool}`, `--name=${disk.volumeName}`, ...size, '--format=raw'];
    const create = () => virsh.run(['vol-create-as', ...asked], { signal, timeoutMs: CREATE_MS });
    try {
      await create();
    } catch (thrown) {
      if (!isErrorKind(thrown, 'already_exists')) throw thrown;
      await this.#deleteIfThere(disk, signal);
      await create();
    }
  }

  /** Without asking first: each virsh may be a login by ssh, and somebody waits for the end. */
  async #deleteIfThere(disk: NamedDisk, signal: AbortSignal): Promise<boolean> {
    const { virsh, pool } = this.#options;
    const asked = [`--pool=${pool}`, `--vol=${disk.volumeName}`];
    try {
      await virsh.run(['vol-delete', ...asked], { signal, timeoutMs: CREATE_MS });
      return true;
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return false;
      throw thrown;
    }
  }
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
