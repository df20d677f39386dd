/**
 * A folder that files are sent to. A file has its name only when all of it is on the disk:
 *
 *   .web.ova-1a2b3c4d.partial ──(all is there)──▶ web.ova
 */
import { link, lstat, mkdir, open, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toDiskFailure } from '#disks/disk-failure.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import { randomHex } from '#kernel/random.ts';
import { DAY_MS } from '#kernel/units.ts';
import type { Upload, Uploads } from '#transfers/uploads.ts';

export interface UploadFolderOptions {
  readonly directory: string;
  readonly clock: Clock;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,199}$/;
const PARTIAL = /^\..+\.partial$/;
const MOST_AT_ONCE = 4;
const MOST_LISTED = 10_000;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export class UploadFolder implements Uploads {
  readonly #options: UploadFolderOptions;
  #underWay = 0;

  constructor(options: UploadFolderOptions) {
    this.#options = options;
  }

  async list(signal: AbortSignal): Promise<readonly Upload[]> {
    const found: Upload[] = [];
    for (const name of await this.#names()) {
      signal.throwIfAborted();
      const upload = NAME.test(name) ? await this.#find(name) : undefined;
      if (upload !== undefined) found.push(upload);
    }
    return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  async save(name: string, body: AsyncIterable<Uint8Array>): Promise<Upload> {
    assertName(name);
    if ((await this.#find(name)) !== undefined) throw alreadyThere(name);
    if (this.#underWay >= MOST_AT_ONCE) throw tooMany();
    this.#underWay += 1;
    try {
      await this.#prepare();
      await this.#write(name, body);
    } finally {
      this.#underWay -= 1;
    }
    return (await this.#find(name)) ?? notThere(name);
  }

  async remove(name: string): Promise<void> {
    assertName(name);
    if ((await this.#find(name)) === undefined) notThere(name);
    await rm(this.#pathOf(name), { force: true });
  }

  async #write(name: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const partial = this.#pathOf(`.${name}-${randomHex(4)}.partial`);
    try {
      {
        await using file = await open(partial, 'wx', FILE_MODE);
        // The next chunk is asked for when this one is written: whoever sends waits that long.
        for await (const chunk of body) await file.writeFile(chunk);
        await file.datasync();
      }
      await link(partial, this.#pathOf(name));
      await using folder = await open(this.#options.directory, 'r');
      await folder.sync();
    } catch (thrown) {
      if (systemErrorCode(thrown) === 'EEXIST') throw alreadyThere(name);
      throw toDiskFailure(thrown);
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** What a process left that was killed; one that still writes has touched its file today. */
  async #prepare(): Promise<void> {
    const { directory, clock } = this.#options;
    await mkdir(directory, { recursive: true, mode: FOLDER_MODE });
    for (const name of (await this.#names()).filter((each) => PARTIAL.test(each))) {
      const left = await statIfThere(this.#pathOf(name));
      const isOld = left !== undefined && left.mtimeMs < clock.nowMs() - DAY_MS;
      if (isOld) await rm(this.#pathOf(name), { force: true });
    }
  }

  async #names(): Promise<readonly string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of await opendir(this.#options.directory)) {
        if (names.length >= MOST_LISTED) break;
        names.push(name);
      }
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'ENOENT') throw thrown;
    }
    return names;
  }

  async #find(name: string): Promise<Upload | undefined> {
    const path = this.#pathOf(name);
    const stats = await statIfThere(path);
    if (stats === undefined || !stats.isFile()) return undefined;
    return { name, path, sizeBytes: stats.size, changedAt: Math.trunc(stats.mtimeMs) };
  }

  #pathOf(name: string): string {
    return join(this.#options.directory, name);
  }
}

async function statIfThere(path: string) {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function assertName(name: string): void {
  if (NAME.test(name)) return;
  const right =
    'must be 1 to 200 of A-Z a-z 0-9 space . _ ( ) + -, beginning with a letter or digit';
  throw invalidArgument('name', right);
}

function alreadyThere(name: string): DroverError {
  return new DroverError('already_exists', `there is an upload ${name} already; delete it first`, {
    reason: 'UPLOAD_EXISTS',
  });
}

function notThere(name: string): never {
  throw new DroverError('not_found', `there is no upload ${name}`, { reason: 'UPLOAD_NOT_FOUND' });
}

function tooMany(): DroverError {
  return new DroverError(
    'resource_exhausted',
    `there are ${MOST_AT_ONCE} uploads under way already; try again when one of them has ended`,
    { reason: 'TOO_MANY_UPLOADS' },
  );
}
