/**
 * All folders that jobs may read, to be looked through. Each VM goes by its whole path here; its
 * `ref` is what it is called in its folder, and what a job calls it that names the folder.
 */
import { join } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { SourceVm, VmSummary } from '#transfers/source-vm.ts';
import type { Export, ListOptions } from '#transfers/source.ts';
import { FileSource, type FileSourceOptions } from './file-source.ts';
import { createNameMatcher } from './name-pattern.ts';

export interface AllFoldersOptions extends Pick<FileSourceOptions, 'hash' | 'measure'> {
  /** Without links. */
  readonly directories: readonly string[];
}

export class AllFolders extends FileSource {
  readonly #options: AllFoldersOptions;

  constructor(options: AllFoldersOptions) {
    super({ ...options, directory: '', fileName: undefined });
    this.#options = options;
  }

  override async listVms({ pattern = '*' }: ListOptions, signal: AbortSignal) {
    const matches = createNameMatcher(pattern);
    const found: VmSummary[] = [];
    for (const directory of this.#options.directories) {
      const vms = await listIfThere(this.#sourceIn(directory), signal);
      found.push(...vms.map((vm) => ({ ...vm, path: join(directory, vm.path) })));
    }
    return found.filter(({ path, name }) => matches(path) || matches(name));
  }

  override async findVm(path: string, signal: AbortSignal): Promise<SourceVm> {
    const wanted = join('/', path);
    const within = this.#options.directories.filter((each) => wanted.startsWith(join(each, '/')));
    const [directory] = within.toSorted((one, other) => other.length - one.length);
    if (directory === undefined) {
      throw new DroverError('not_found', `there is no VM ${wanted} in the folders for images`, {
        reason: 'SOURCE_VM_NOT_FOUND',
      });
    }
    const vm = await this.#sourceIn(directory).findVm(wanted.slice(directory.length), signal);
    return { ...vm, path: join(directory, vm.path) };
  }

  override async openExport(): Promise<Export> {
    throw new DroverError('failed_precondition', 'source.path: is missing; name the folder', {
      reason: 'SOURCE_PATH_MISSING',
    });
  }

  #sourceIn(directory: string): FileSource {
    return new FileSource({ ...this.#options, directory, fileName: undefined });
  }
}

/** A folder that is allowed need not have been made yet. */
async function listIfThere(source: FileSource, signal: AbortSignal): Promise<readonly VmSummary[]> {
  try {
    return await source.listVms({}, signal);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
