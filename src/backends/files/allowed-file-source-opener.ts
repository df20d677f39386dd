/** Opens folders and files that the configuration allows, and no others. */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { resolveAllowed } from '#transfers/allowed-directories.ts';
import type { FileSourceOpener } from '#transfers/connection.ts';
import type { Source } from '#transfers/source.ts';
import { AllFolders } from './all-folders.ts';
import { FileSource, type FileSourceOptions } from './file-source.ts';

export interface AllowedFileSourceOptions extends Pick<FileSourceOptions, 'hash' | 'measure'> {
  readonly directories: readonly string[];
  /** Below one of them: what was sent here is listed with the rest. */
  readonly uploads: string;
}

export class AllowedFileSourceOpener implements FileSourceOpener {
  readonly #options: AllowedFileSourceOptions;

  constructor(options: AllowedFileSourceOptions) {
    this.#options = options;
  }

  async open(path: string | undefined, signal: AbortSignal): Promise<Source> {
    signal.throwIfAborted();
    const { directories, uploads, hash, measure } = this.#options;
    if (path === undefined) {
      const all = [...directories, uploads].map((each) => this.#resolve(each));
      return new AllFolders({ directories: [...new Set(await Promise.all(all))], hash, measure });
    }
    const real = await this.#resolve(path);
    return (await isDirectory(real))
      ? new FileSource({ directory: real, fileName: undefined, hash, measure })
      : new FileSource({ directory: dirname(real), fileName: basename(real), hash, measure });
  }

  async #resolve(path: string): Promise<string> {
    const { directories } = this.#options;
    return await resolveAllowed(path, { allowed: directories, field: 'source.path' });
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (found.isDirectory() || found.isFile()) return found.isDirectory();
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw thrown;
  }
  throw new DroverError('not_found', 'source.path: there is no folder or file of that name', {
    reason: 'SOURCE_PATH_NOT_FOUND',
  });
}
