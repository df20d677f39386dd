/**
 * Disks that customers bring, as files of an image directory. How far each is follows from its
 * files alone (disk-files.ts), so a process that is killed leaves nothing that the next one does
 * not understand:
 *
 *   receiving   the part is shorter than the disk
 *   checking    it is as long, and is looked at, or will be when somebody asks for it
 *   ready       the disk has its name
 *   failed      the manifest says why; the part is gone
 */
import { open, readdir, realpath, rm, statfs } from 'node:fs/promises';
import { toDiskFailure } from '#disks/disk-failure.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError, systemErrorCode, toDroverError } from '#kernel/errors.ts';
import { isCustomerId, isDiskId, type CustomerId, type DiskId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import { DAY_MS, HOUR_MS } from '#kernel/units.ts';
import type { Disk, DiskDraft, DiskPart, DiskState, DiskStore } from '#machines/disk.ts';
import { appendBytes, openPart } from './append-bytes.ts';
import { checkDisk, dropPart, type DiskCheckParts } from './disk-check.ts';
import {
  factsOf,
  filesOf,
  hiddenFolder,
  makeFolders,
  MANIFEST_ENDING,
  manifestPath,
  readManifest,
  writeManifest,
  type DiskManifest,
} from './disk-files.ts';

export interface DiskFolderOptions extends DiskCheckParts {
  /** The first image directory, which requests name `/assets`. */
  readonly imagesDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A disk that is not whole is kept so long after its last byte. */
const HALF_KEPT_MS = 3 * DAY_MS;
const SWEEP_EVERY_MS = HOUR_MS;
const MOST_AT_ONCE = 32;
const MOST_LISTED = 10_000;

interface Work {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

interface Check extends Work {
  /** So much has been looked at. */
  readonly checkedBytes: () => number;
}

export class DiskFolder implements DiskStore, AsyncDisposable {
  readonly #options: DiskFolderOptions;
  readonly #images: string;
  readonly #stop = new AbortController();
  /** By customer and id, as are the checks. */
  readonly #writers = new Map<string, Work>();
  readonly #checks = new Map<string, Check>();
  readonly #timer: Timer;
  #sweeping: Promise<void>;

  private constructor(options: DiskFolderOptions, images: string) {
    this.#options = options;
    this.#images = images;
    this.#sweeping = this.#sweep();
    this.#timer = options.clock.every(SWEEP_EVERY_MS, () => {
      this.#sweeping = this.#sweeping.then(() => this.#sweep());
    });
  }

  static async open(options: DiskFolderOptions): Promise<DiskFolder> {
    return new DiskFolder(options, await realPathOf(options.imagesDirectory));
  }

  async list(customerId: CustomerId): Promise<readonly Disk[]> {
    const found: Disk[] = [];
    for (const id of await this.#ids(customerId)) {
      const disk = await this.find(customerId, id);
      if (disk !== undefined) found.push(disk);
    }
    return found.toSorted((one, other) => one.createdAt - other.createdAt || byId(one, other));
  }

  async find(customerId: CustomerId, id: DiskId): Promise<Disk | undefined> {
    const manifest = await readManifest(manifestPath(this.#images, customerId, id));
    if (manifest === undefined) return undefined;
    const disk = await this.#describe(manifest);
    if (disk.state !== 'checking') return disk;
    // One that a process did not come to the end of.
    this.#check(disk);
    return { ...disk, checkedBytes: this.#checks.get(keyOf(disk))?.checkedBytes() };
  }

  async insert(draft: DiskDraft): Promise<Disk> {
    const files = filesOf(this.#images, draft);
    try {
      if ((await factsOf(files.ready)) !== undefined) throw inTheWay(files.given);
      await makeFolders(this.#images, draft.customerId);
      const createdAt = this.#options.clock.nowMs();
      const manifest = { ...draft, createdAt, failure: undefined };
      await dropPart(files);
      await writeManifest(files.manifest, manifest);
      return await this.#describe(manifest);
    } catch (thrown) {
      throw toDiskFailure(thrown);
    }
  }

  async append(customerId: CustomerId, id: DiskId, part: DiskPart): Promise<Disk> {
    const key = `${customerId}/${id}`;
    const former = this.#writers.get(key);
    if (former === undefined && this.#writers.size >= MOST_AT_ONCE) throw tooMany();
    former?.stop.abort(superseded());
    const stop = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const own = { stop, done };
    this.#writers.set(key, own);
    try {
      await former?.done;
      const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
      await this.#receive(await this.#found(customerId, id), part, signal);
    } catch (thrown) {
      throw toDiskFailure(thrown);
    } finally {
      if (this.#writers.get(key) === own) this.#writers.delete(key);
      resolve();
    }
    return await this.#found(customerId, id);
  }

  async remove(disk: Disk): Promise<void> {
    const { customerId, id } = disk;
    for (const works of [this.#writers, this.#checks]) {
      const work = works.get(`${customerId}/${id}`);
      work?.stop.abort(superseded());
      await work?.done;
    }
    const { manifest, part, ready } = filesOf(this.#images, disk);
    // The manifest last: without it, nobody would know of the others.
    for (const path of [ready, part, manifest]) await rm(path, { force: true });
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#images);
    return bavail * bsize;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel();
    this.#stop.abort(new DroverError('unavailable', 'the server is being stopped'));
    await this.#sweeping;
    const works = [...this.#checks.values(), ...this.#writers.values()];
    await Promise.all(works.map(({ done }) => done));
  }

  async #receive(disk: Disk, { offset, open: body }: DiskPart, signal: AbortSignal): Promise<void> {
    const { state, receivedBytes, sizeBytes, failure } = disk;
    if (state === 'failed') throw hasFailed(disk.id, failure ?? '');
    if (offset !== receivedBytes) throw wrongOffset(offset, receivedBytes);
    if (state !== 'receiving') return;
    await using file = await openPart(filesOf(this.#images, disk).part);
    await appendBytes(file, body(sizeBytes - offset), signal);
  }

  async #found(customerId: CustomerId, id: DiskId): Promise<Disk> {
    const disk = await this.find(customerId, id);
    if (disk !== undefined) return disk;
    throw new DroverError('not_found', `there is no disk ${id}`, { reason: 'DISK_NOT_FOUND' });
  }

  async #describe(manifest: DiskManifest): Promise<Disk> {
    const { sizeBytes, failure } = manifest;
    const files = filesOf(this.#images, manifest);
    // In this order: a check that ends in between moves the part to where it is looked for later.
    const arrived = await arrivedBytes(files.part);
    const ready = await factsOf(files.ready);
    const received = ready === undefined ? arrived : sizeBytes;
    const state = stateOf(ready !== undefined, failure, received === sizeBytes);
    const heldBytes = state === 'failed' ? 0 : Math.max(sizeBytes, ready?.bytes ?? 0);
    const { given: path, ready: realPath } = files;
    return {
      ...{ ...manifest, state, receivedBytes: received, checkedBytes: undefined },
      ...{ heldBytes, path, realPath },
    };
  }

  #check(disk: Disk): void {
    const key = keyOf(disk);
    if (this.#checks.has(key) || this.#stop.signal.aborted) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
    let checkedBytes = 0;
    const onProgress = (doneBytes: number) => void (checkedBytes = doneBytes);
    const done = this.#checkOnce(disk, onProgress, signal).finally(() => this.#checks.delete(key));
    this.#checks.set(key, { stop, done, checkedBytes: () => checkedBytes });
  }

  async #checkOnce(
    disk: Disk,
    onProgress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, hash, inspect, guestUser } = this.#options;
    const { customerId, id, name, format, sizeBytes, sha256, createdAt } = disk;
    const files = filesOf(this.#images, disk);
    try {
      await checkDisk(disk, files, { hash, inspect, guestUser, signal, onProgress });
    } catch (thrown) {
      // A process that ends leaves it to the next one, and what is removed needs no check.
      if (signal.aborted) return;
      const error = toDroverError(toDiskFailure(thrown));
      log.warn({ err: error, disk: id, customer: customerId }, 'a disk was refused');
      const draft = { id, customerId, name, format, sizeBytes, sha256, createdAt };
      await this.#fail({ ...draft, failure: error.message });
    }
  }

  async #fail(manifest: DiskManifest): Promise<void> {
    const files = filesOf(this.#images, manifest);
    try {
      await writeManifest(files.manifest, manifest);
      await dropPart(files);
    } catch (thrown) {
      this.#options.log.warn({ err: thrown, disk: manifest.id }, 'a disk stays unchecked');
    }
  }

  async #sweep(): Promise<void> {
    try {
      for (const name of await namesIn(hiddenFolder(this.#images))) {
        if (isCustomerId(name)) await this.#sweepCustomer(name);
      }
    } catch (thrown) {
      this.#options.log.warn({ err: thrown }, 'half disks were not looked through');
    }
  }

  async #sweepCustomer(customerId: CustomerId): Promise<void> {
    for (const id of await this.#ids(customerId)) {
      if (this.#stop.signal.aborted) return;
      const disk = await this.find(customerId, id);
      const isHalf = disk?.state === 'receiving' || disk?.state === 'failed';
      if (disk === undefined || !isHalf || this.#writers.has(`${customerId}/${id}`)) continue;
      const { manifest, part } = filesOf(this.#images, disk);
      const times = [await factsOf(manifest), await factsOf(part)].map((it) => it?.changedAt ?? 0);
      if (Math.max(...times) > this.#options.clock.nowMs() - HALF_KEPT_MS) continue;
      await this.remove(disk);
      this.#options.log.info({ disk: id, customer: customerId }, 'a half disk has expired');
    }
  }

  async #ids(customerId: CustomerId): Promise<readonly DiskId[]> {
    const names = await namesIn(hiddenFolder(this.#images, customerId));
    return names
      .filter((name) => name.endsWith(MANIFEST_ENDING))
      .map((name) => name.slice(0, -MANIFEST_ENDING.length))
      .filter((id) => isDiskId(id))
      .slice(0, MOST_LISTED);
  }
}

/** Of a part that is being written, what lies in the cache is not there for good yet. */
async function arrivedBytes(part: string): Promise<number> {
  try {
    await using file = await open(part, 'r');
    const { size } = await file.stat();
    await file.datasync();
    return size;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return 0;
    throw thrown;
  }
}

function keyOf({ customerId, id }: Pick<Disk, 'customerId' | 'id'>): string {
  return `${customerId}/${id}`;
}

function stateOf(isReady: boolean, failure: string | undefined, isWhole: boolean): DiskState {
  if (isReady) return 'ready';
  if (failure !== undefined) return 'failed';
  return isWhole ? 'checking' : 'receiving';
}

function byId({ id: one }: Disk, { id: other }: Disk): number {
  return one < other ? -1 : 1;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

/** The directory may not be there yet. */
async function realPathOf(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return directory;
    throw thrown;
  }
}

function wrongOffset(given: number, expected: number): DroverError {
  const text = `the disk goes on at byte ${expected}, not at ${given}; send from there`;
  return new DroverError('aborted', text, {
    reason: 'OFFSET_MISMATCH',
    metadata: { offset: String(expected) },
  });
}

function hasFailed(id: DiskId, failure: string): DroverError {
  const text = `the disk ${id} was refused (${failure}); create it once more to send it again`;
  return new DroverError('failed_precondition', text, { reason: 'DISK_FAILED' });
}

function superseded(): DroverError {
  return new DroverError('aborted', 'a later request goes on with this disk', {
    reason: 'UPLOAD_SUPERSEDED',
  });
}

function tooMany(): DroverError {
  const text = `${MOST_AT_ONCE} disks are being sent already; try again when one of them is there`;
  return new DroverError('resource_exhausted', text, { reason: 'TOO_MANY_UPLOADS' });
}

function inTheWay(path: string): DroverError {
  return new DroverError('already_exists', `there is a file ${path} already; choose another id`, {
    reason: 'DISK_EXISTS',
  });
}
