/** A folder of files with VMs in them, or one file, as the source of VMs. They are always off. */
import { DroverError } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';
import type { SourceVm, VmSummary } from '#transfers/source-vm.ts';
import type { Export, ListOptions, Source, Transport } from '#transfers/source.ts';
import { openFileExport, type HashFile } from './file-export.ts';
import { baseName, openPackage, type FilePackage } from './file-package.ts';
import { toSourceVm, toSummary, type ListedVm } from './file-vm.ts';
import { listImages } from './image-folder.ts';
import { findOddFormat } from './odd-format.ts';
import { createNameMatcher } from './name-pattern.ts';
import type { PackagedVm } from './ovf.ts';
import { unreadablePackage } from './package-error.ts';

export interface FileSourceOptions {
  readonly directory: string;
  /** The only one that there is; undefined: all in the folder. */
  readonly fileName: string | undefined;
  readonly hash: HashFile;
  /** How many bytes a disk has. */
  readonly measure: (feed: DiskFeed, signal: AbortSignal) => Promise<number>;
}

interface OpenVm {
  readonly listed: ListedVm & { readonly vm: PackagedVm };
  readonly package: FilePackage;
}

export class FileSource implements Source {
  readonly transports: readonly Transport[] = ['file'];
  readonly product = 'a folder of images';
  readonly snapshots = undefined;
  readonly #options: FileSourceOptions;

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  async listVms({ pattern }: ListOptions, signal: AbortSignal): Promise<readonly VmSummary[]> {
    const matches = createNameMatcher(withoutSlashes(pattern ?? '*'));
    return (await this.#list(signal))
      .map(toSummary)
      .filter(({ path, name }) => matches(path) || matches(name));
  }

  async findVm(path: string, signal: AbortSignal): Promise<SourceVm> {
    const { listed, package: files } = await this.#open(path, signal);
    const capacities: number[] = [];
    const oddFormats: (string | undefined)[] = [];
    let storageBytes = 0;
    for (const { fileName, declaredBytes = 0 } of listed.vm.disks) {
      const file = await files.find(fileName);
      const { path: image, part, sizeBytes } = file;
      oddFormats.push(await findOddFormat(file, signal));
      const feed = { kind: 'file', path: image, ...(part !== undefined && { part }) } as const;
      const measured = await this.#options.measure(feed, signal);
      capacities.push(Math.max(measured, declaredBytes));
      storageBytes += sizeBytes;
    }
    return toSourceVm(listed, { storageBytes, capacities, oddFormats });
  }

  async openExport({ ref }: SourceVm, transport: Transport, signal: AbortSignal): Promise<Export> {
    if (transport !== 'file') {
      throw new DroverError('failed_precondition', `files are not read by ${transport}`, {
        reason: 'TRANSPORT_NOT_OFFERED',
      });
    }
    const { listed, package: files } = await this.#open(ref, signal);
    const { hash } = this.#options;
    return await openFileExport({ package: files, vm: listed.vm, hash }, signal);
  }

  async shutDownGuest(): Promise<void> {
    // It is off.
  }

  async powerOff(): Promise<void> {
    // It is off.
  }

  async powerOn(): Promise<void> {
    throw new DroverError('failed_precondition', 'a VM in files cannot be started', {
      reason: 'SOURCE_IS_FILES',
    });
  }

  async removeCdroms(): Promise<number> {
    return await Promise.resolve(0);
  }

  async missingPrivileges(): Promise<readonly string[]> {
    return await Promise.resolve([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each call opens what it reads, and closes it.
  }

  async #open(path: string, signal: AbortSignal): Promise<OpenVm> {
    const { fileName, path: wanted } = choose(await this.#list(signal), withoutSlashes(path));
    const files = await openPackage(this.#options.directory, fileName, signal);
    const found = vmsOf(files).find((each) => each.path === wanted);
    if (found === undefined) throw unreadablePackage(`${fileName} has changed in the meantime`);
    return { listed: found, package: files };
  }

  async #list(signal: AbortSignal): Promise<readonly ListedVm[]> {
    const { directory, fileName } = this.#options;
    const names = fileName === undefined ? await listImages(directory, signal) : [fileName];
    const found: ListedVm[] = [];
    const partsOfOthers = new Set<string>();
    for (const name of names) {
      signal.throwIfAborted();
      const vms = await listPackage(directory, name, signal);
      found.push(...vms);
      if (!/\.ovf$/i.test(name)) continue;
      for (const { vm } of vms) vm?.disks.forEach((disk) => partsOfOthers.add(disk.fileName));
    }
    return found.filter((each) => !partsOfOthers.has(each.fileName));
  }
}

/** One that cannot be read hides no other; what is wrong with it is told to whoever wants it. */
async function listPackage(
  directory: string,
  fileName: string,
  signal: AbortSignal,
): Promise<readonly ListedVm[]> {
  try {
    return vmsOf(await openPackage(directory, fileName, signal));
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof DroverError)) throw thrown;
    return [{ path: fileName, fileName, vm: undefined }];
  }
}

function vmsOf({
  fileName,
  vms,
}: FilePackage): readonly (ListedVm & { readonly vm: PackagedVm })[] {
  const isOne = vms.length === 1;
  return vms.map((vm) => ({ fileName, vm, path: isOne ? fileName : `${fileName}/${vm.id}` }));
}

/** By its path, which is always clear, or by a name that only one has. */
function choose(listed: readonly ListedVm[], wanted: string): ListedVm {
  const byPath = listed.find(({ path }) => path === wanted);
  if (byPath !== undefined) return byPath;
  const named = listed.filter((each) => namesOf(each).includes(wanted));
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  if (only === undefined) {
    const hint = didYouMean(wanted, listed.flatMap(namesOf));
    throw new DroverError('not_found', `there is no VM ${wanted} in these files${hint}`, {
      reason: 'SOURCE_VM_NOT_FOUND',
    });
  }
  const paths = named.map(({ path }) => path).join(', ');
  throw new DroverError('failed_precondition', `${wanted} is the name of several VMs: ${paths}`, {
    reason: 'VM_AMBIGUOUS',
  });
}

function namesOf(listed: ListedVm): readonly string[] {
  const { fileName, path, vm } = listed;
  // A package of several has their names, and none of its own.
  return path === fileName
    ? [toSummary(listed).name, baseName(fileName), path]
    : [vm?.name ?? path];
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/+/, '').replace(/\/+$/, '');
}
