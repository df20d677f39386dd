/**
 * The folder that holds all apps:
 *
 *   <name>/state.json         which versions there are, and which is current
 *   <name>/<version>/         the files of a version; they never change
 *   <name>/logs/
 *   .incoming/<random>/       what is on its way in or out; emptied at every start
 *
 * What always holds, whenever the process is killed:
 * - Only what `state.json` names is deployed. It is replaced as a whole, and written when the
 *   files of a version lie in their place, safe on the disk. So a deploy is there or is not.
 * - A version or app is gone once `state.json` no longer names it, or is not there; its files go
 *   after. What no state names was never deployed, or was removed, and is cleared at start.
 * - A `state.json` that cannot be read is touched by nobody, nor is anything beside it.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DroverError, systemErrorCode, toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { randomHex } from '#kernel/random.ts';
import { isAppName } from './app-name.ts';
import { parseState, stateToText, type AppState } from './app-state.ts';
import { orDiskFull } from './disk-full.ts';
import { isVersion } from './semver.ts';

const INCOMING = '.incoming';
const STATE = 'state.json';

export class AppDirectory implements AsyncDisposable {
  readonly #path: string;
  readonly #log: Log;
  readonly #states = new Map<string, AppState>();
  /** Apps whose state cannot be read. */
  readonly #damaged = new Set<string>();
  readonly #deleting = new Set<Promise<void>>();

  private constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  static async open(path: string, log: Log): Promise<AppDirectory> {
    const directory = new AppDirectory(path, log);
    await makeOpenFolder(path);
    await rm(join(path, INCOMING), { recursive: true, force: true });
    await mkdir(join(path, INCOMING), { mode: 0o700 });
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (!entry.isDirectory() || !isAppName(entry.name)) continue;
      await directory.#load(entry.name).catch((thrown: unknown) => {
        directory.#leaveOut(entry.name, toDroverError(thrown));
      });
    }
    return directory;
  }

  get states(): ReadonlyMap<string, AppState> {
    return this.#states;
  }

  versionPath(name: string, version: string): string {
    return join(this.#path, name, version);
  }

  logsPath(name: string): string {
    return join(this.#path, name, 'logs');
  }

  /** A new folder for an upload and what becomes of it. It goes when it is disposed. */
  async openIncoming(): Promise<{ readonly path: string } & Disposable> {
    const path = join(this.#path, INCOMING, randomHex(12));
    await mkdir(path, { mode: 0o700 });
    return { path, [Symbol.dispose]: () => this.#deleteLater(path) };
  }

  /** Throws when nothing may be changed about the app. */
  assertSound(name: string): void {
    if (!this.#damaged.has(name)) return;
    throw new DroverError('data_loss', `the state of app ${name} is damaged; see the log`, {
      reason: 'APP_STATE_DAMAGED',
    });
  }

  /** Puts the files at `from` in their place and then writes the state that names them. */
  async place(
    name: string,
    version: string,
    { from, state }: { readonly from: string; readonly state: AppState },
  ): Promise<void> {
    const folder = join(this.#path, name);
    const to = this.versionPath(name, version);
    await orDiskFull(async () => {
      await makeOpenFolder(folder);
      // An attempt before this one may have failed so badly that it could not clear up.
      await this.#discard(to);
      await rename(from, to);
      try {
        await syncFolder(folder);
        await this.#write(name, state);
      } catch (thrown) {
        if (this.#states.get(name) !== state) await this.#discard(to);
        throw thrown;
      }
    });
  }

  async change(name: string, state: AppState): Promise<void> {
    await orDiskFull(() => this.#write(name, state));
  }

  /** Only once the state no longer names it. */
  async discardVersion(name: string, version: string): Promise<void> {
    await this.#discard(this.versionPath(name, version));
  }

  /** From here on the app is gone, though its files are still there. */
  async forget(name: string): Promise<void> {
    await rm(join(this.#path, name, STATE));
    this.#states.delete(name);
    await syncFolder(join(this.#path, name));
  }

  /** After `forget`. */
  async discardApp(name: string): Promise<void> {
    await this.#discard(join(this.#path, name));
  }

  /** Waits for files that are being deleted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#deleting);
  }

  async #load(name: string): Promise<void> {
    const folder = join(this.#path, name);
    const text = await readText(join(folder, STATE));
    const state = text === undefined ? undefined : parseState(text);
    if (text !== undefined && state === undefined) {
      this.#leaveOut(name, new Error(`${STATE} is damaged`));
      return;
    }
    if (state === undefined) {
      await this.#clear(folder, name);
      return;
    }
    this.#states.set(name, state);
    for (const entry of await readdir(folder)) {
      if (isVersion(entry) && !state.versions.has(entry)) {
        await this.#clear(join(folder, entry), `${name}@${entry}`);
      }
    }
  }

  #leaveOut(name: string, error: Error): void {
    this.#damaged.add(name);
    this.#log.error({ app: name, error }, 'the state of an app cannot be read; it is left out');
  }

  async #clear(path: string, what: string): Promise<void> {
    this.#log.info({ app: what }, 'clearing what a deploy or removal left unfinished');
    await this.#discard(path);
  }

  async #write(name: string, state: AppState): Promise<void> {
    const folder = join(this.#path, name);
    const temporary = join(this.#path, INCOMING, `${randomHex(12)}.json`);
    try {
      await using file = await open(temporary, 'wx', 0o644);
      await file.writeFile(stateToText(state));
      await file.sync();
    } catch (thrown) {
      await rm(temporary, { force: true });
      throw thrown;
    }
    await rename(temporary, join(folder, STATE));
    this.#states.set(name, state);
    await syncFolder(folder);
    await syncFolder(this.#path);
  }

  /** Out of the way at once, and deleted when there is time. What fails here is done at start. */
  async #discard(path: string): Promise<void> {
    const aside = join(this.#path, INCOMING, randomHex(12));
    try {
      await rename(path, aside);
      this.#deleteLater(aside);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return;
      this.#log.warn({ error }, 'files of an app could not be moved aside');
    }
  }

  #deleteLater(path: string): void {
    // A thread that was told to stop may still be writing there.
    const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };
    const deleting = rm(path, options).catch((thrown: unknown) => {
      // The next start clears it.
      this.#log.warn({ error: toDroverError(thrown) }, 'files of an app could not be deleted');
    });
    this.#deleting.add(deleting);
    void deleting.finally(() => this.#deleting.delete(deleting));
  }
}

/** Workers are users of their own, and have to get through to the files of their app. */
async function makeOpenFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
