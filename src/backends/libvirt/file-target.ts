/**
 * A folder as a place for VMs to go to, each in a folder of its own:
 *
 *   <directory>/<name>/
 *     .owner            whose it is; there from the moment at which the folder is
 *     <name>-0.qcow2    the disks
 *     domain.xml        how libvirt is to run it
 *     manifest.json     what all of this is
 *     SHA256SUMS        written last: a folder that has it is whole
 *
 * No folder is written to, and no file removed, that is not in a folder of the same owner.
 */
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';
import type { Finding } from '#transfers/finding.ts';
import type { DefinedVm, DiskPlace, Target, TargetVm } from '#transfers/target.ts';
import { isWritable, roomOf } from './directory-storage.ts';
import { nameDisks } from './disk-names.ts';
import { FOLDER_FILES, isOwnedBy, OWNER_FILE, takeFolder, writeWhole } from './owned-folder.ts';
import { buildManifest, buildPortableXml, type FiledDisk } from './vm-manifest.ts';

/** In lower-case hex. */
type HashFile = (path: string, signal: AbortSignal) => Promise<string>;

export interface FileTargetOptions {
  readonly directory: string;
  /** SHA-256, in a thread. */
  readonly hash: HashFile;
}

export class FileTarget implements Target {
  readonly kind = 'file';
  readonly #options: FileTargetOptions;

  constructor(options: FileTargetOptions) {
    this.#options = options;
  }

  async check(vm: TargetVm): Promise<readonly Finding[]> {
    const { directory } = this.#options;
    const found: Finding[] = [];
    if (!(await isWritable(directory))) {
      const what = `${directory} cannot be written to by the user of this server`;
      found.push(finding('error', 'directory-not-writable', what, 'see to its owner and mode'));
    }
    if (!(await this.#isFree(vm))) {
      const what = `${this.#folder(vm)} is there already, and not of this job`;
      const remedy = 'remove it, or set options.target_name to another name';
      found.push(finding('error', 'folder-in-the-way', what, remedy));
    }
    const neededBytes = vm.disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
    const { freeBytes = Infinity } = await roomOf(directory, directory);
    if (freeBytes < neededBytes) {
      const needed = formatBytes(neededBytes);
      const free = formatBytes(freeBytes);
      const what = `${directory} has ${free} free, and the disks may grow to ${needed}`;
      found.push(finding('warning', 'space-may-run-out', what, 'make room there'));
    }
    return found;
  }

  async placeDisks(vm: TargetVm): Promise<readonly DiskPlace[]> {
    const folder = this.#folder(vm);
    await mkdir(this.#options.directory, { recursive: true });
    await takeFolder(folder, vm.owner);
    return nameDisks(vm).map(({ disk, fileName }) => ({
      key: disk.key,
      path: join(folder, fileName),
    }));
  }

  async adoptDisks(vm: TargetVm): Promise<void> {
    await this.#assertOwn(vm);
    for (const { disk, fileName } of nameDisks(vm)) {
      if ((await sizeIfThere(join(this.#folder(vm), fileName))) === undefined) {
        throw new DroverError('data_loss', `${fileName} was written, but is no longer there`, {
          reason: 'DISK_FILE_GONE',
          metadata: { disk: disk.key },
        });
      }
    }
  }

  async define(
    vm: TargetVm,
    places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<DefinedVm> {
    await this.#assertOwn(vm);
    const folder = this.#folder(vm);
    const disks: FiledDisk[] = [];
    for (const { disk, fileName } of nameDisks(vm)) {
      const path = join(folder, fileName);
      const sizeBytes = (await sizeIfThere(path)) ?? 0;
      const contentDigest = places.find(({ key }) => key === disk.key)?.contentDigest;
      const sha256 = await this.#options.hash(path, signal);
      disks.push({ disk, fileName, path, sizeBytes, sha256, contentDigest });
    }
    await writeWhole(join(folder, FOLDER_FILES.domain), buildPortableXml(vm, disks));
    await writeWhole(join(folder, FOLDER_FILES.manifest), buildManifest(vm, disks));
    await this.#writeSums(folder, disks, signal);
    const names = disks.map(({ fileName }) => fileName);
    return {
      ref: folder,
      summary: {
        ...{ name: vm.name, output_dir: folder, files: [...names, ...Object.values(FOLDER_FILES)] },
        total_size: disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      },
    };
  }

  async start(): Promise<void> {
    throw notRunning();
  }

  async awaitBoot(): Promise<string> {
    throw notRunning();
  }

  async remove(vm: TargetVm): Promise<readonly string[]> {
    const folder = this.#folder(vm);
    if (!(await isOwnedBy(folder, vm.owner))) return [];
    const names = [
      ...nameDisks(vm).map(({ fileName }) => fileName),
      ...Object.values(FOLDER_FILES),
    ];
    const isOurs = (file: string) => names.some((name) => file === name || isBeside(file, name));
    const left = [];
    for (const file of await readdir(folder)) {
      if (isOurs(file)) await rm(join(folder, file), { force: true });
      else if (file !== OWNER_FILE) left.push(file);
    }
    // What somebody else put there stays, and so does the folder that it is in.
    if (left.length === 0) await rm(folder, { recursive: true, force: true });
    return [folder];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held between two calls.
  }

  #folder(vm: TargetVm): string {
    return join(this.#options.directory, vm.name);
  }

  async #isFree(vm: TargetVm): Promise<boolean> {
    const folder = this.#folder(vm);
    if (await isOwnedBy(folder, vm.owner)) return true;
    try {
      return (await readdir(folder)).length === 0;
    } catch (thrown) {
      return systemErrorCode(thrown) === 'ENOENT';
    }
  }

  async #assertOwn(vm: TargetVm): Promise<void> {
    if (await isOwnedBy(this.#folder(vm), vm.owner)) return;
    throw new DroverError('data_loss', `${this.#folder(vm)} is no longer the folder of this job`, {
      reason: 'FOLDER_GONE',
    });
  }

  /** As `sha256sum` writes and checks them. */
  async #writeSums(
    folder: string,
    disks: readonly FiledDisk[],
    signal: AbortSignal,
  ): Promise<void> {
    const lines = disks.map(({ sha256, fileName }) => `${sha256}  ${fileName}\n`);
    for (const name of [FOLDER_FILES.domain, FOLDER_FILES.manifest]) {
      lines.push(`${await this.#options.hash(join(folder, name), signal)}  ${name}\n`);
    }
    await writeWhole(join(folder, FOLDER_FILES.sums), lines.join(''));
  }
}

/** What a copy keeps beside an image, and what is being written in the place of a file. */
function isBeside(file: string, name: string): boolean {
  return ['.copying', '.copying.new', '.digests', '.digests.new', '.new'].some(
    (ending) => file === `${name}${ending}`,
  );
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function finding(
  severity: Finding['severity'],
  code: string,
  message: string,
  remedy: string,
): Finding {
  return { code, severity, subject: undefined, message, remedy };
}

function notRunning(): DroverError {
  return new DroverError('failed_precondition', 'a VM in files is not started', {
    reason: 'TARGET_IS_FILES',
  });
}
