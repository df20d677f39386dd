/**
 * Deploys, rolls back and removes apps, and says which version a name means.
 *
 * A deploy under load loses no request. In one turn the new version is admitted, the old one is
 * retired and admitted anew without its minimum of workers, and names mean the new one. So the old
 * workers finish what waits and what runs, and whoever names the old version by its number, or had
 * looked it up a moment before, is served by fresh ones.
 *
 * All that changes an app runs in one queue for each name. Uploads and unpacking do not: which app
 * an archive holds is known only once it is unpacked.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { MIB, MINUTE_MS } from '#kernel/units.ts';
import type { AppKey, WorkerApp } from '#workers/worker-app.ts';
import { AppCatalog } from './app-catalog.ts';
import { AppCron } from './app-cron.ts';
import { AppDirectory } from './app-directory.ts';
import { AppLog } from './app-log.ts';
import { appNotFound } from './app-name.ts';
import type { AppPolicy } from './app-policy.ts';
import { withCurrent, withoutVersion, withPrevious, type AppState } from './app-state.ts';
import { writeUpload } from './app-upload.ts';
import { createAppVersion, withoutMinimum } from './app-version.ts';
import type { AppWorkers } from './app-workers.ts';
import type { App, AppVersion } from './app.ts';
import { orDiskFull } from './disk-full.ts';
import { readManifest } from './manifest-file.ts';
import { sortVersions } from './semver.ts';
import { RECEIVE_TASK, type ReceivedApp, type ReceiveInput } from './receive-task.ts';

export interface AppServiceOptions {
  /** Where all apps lie; made when it is not there. */
  readonly directory: string;
  readonly workers: AppWorkers;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: AppPolicy;
  /** The longest archive. */
  readonly mostUploadBytes: number;
  /** Of each app's log, twice over. */
  readonly logBytes: number;
}

const MOST_DEPLOYS = 4;
const DEPLOY_MS = 10 * MINUTE_MS;
const MOST_APPS = 10_000;
const MOST_VERSIONS = 1000;
const LIMITS = { totalBytes: 500 * MIB, fileBytes: 200 * MIB, entries: 20_000, ratio: 200 };

export class AppService implements AsyncDisposable {
  readonly #options: AppServiceOptions;
  readonly #directory: AppDirectory;
  readonly #catalog = new AppCatalog();
  readonly #cron: AppCron;
  readonly #logs = new Map<string, AppLog>();
  readonly #queues = new Map<string, SerialQueue>();
  /** What the pool has, and its least number of workers. */
  readonly #admitted = new Map<AppKey, number>();
  readonly #listeners = new Set<() => void>();
  readonly #closing = new AbortController();
  readonly #deploys = new Set<Promise<AppVersion>>();

  private constructor(options: AppServiceOptions, directory: AppDirectory) {
    this.#options = options;
    this.#directory = directory;
    const { clock, workers } = options;
    const tell = (app: AppVersion, line: string) =>
      this.#logOf(app.manifest.name).append(app.manifest.version, 'drover', line);
    this.#cron = new AppCron({ clock, workers, tell });
  }

  /** Admits every app that was deployed. One that cannot be read is told of and left out. */
  static async open(options: AppServiceOptions): Promise<AppService> {
    const directory = await AppDirectory.open(options.directory, options.log);
    const service = new AppService(options, directory);
    for (const [name, state] of directory.states) await service.#load(name, state);
    return service;
  }

  list(): readonly App[] {
    return this.#catalog.list();
  }

  get(name: string): App {
    return this.#catalog.get(name);
  }

  /** What `app`, `app@1`, `app@^1.2`, `app@1.2.3` or `app@latest` means now. */
  resolve(spec: string): AppVersion {
    return this.#catalog.resolve(spec);
  }

  logs(name: string): AppLog {
    if (!this.#directory.states.has(name)) throw appNotFound(`there is no app ${name}`);
    return this.#logOf(name);
  }

  /** A line that a worker of the app wrote. */
  onOutput(key: AppKey, stream: 'stdout' | 'stderr', line: string): void {
    const [name = '', version = ''] = key.split('@');
    if (this.#directory.states.has(name)) this.#logOf(name).append(version, stream, line);
    else
      this.#options.log.debug({ worker: key, stream, line }, 'output of a worker without an app');
  }

  /** Called after what `list` answers has changed. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Resolves when the version is safe on the disk and requests without a version go to it. */
  async deploy(
    archive: AsyncIterable<Uint8Array>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<AppVersion> {
    this.#assertOpen();
    if (this.#deploys.size >= MOST_DEPLOYS) {
      const message = `${MOST_DEPLOYS} deploys are under way, which is the most; try again`;
      throw new DroverError('resource_exhausted', message, { reason: 'TOO_MANY_DEPLOYS' });
    }
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const deploy = orDiskFull(() => this.#deploy(archive, either));
    this.#deploys.add(deploy);
    try {
      return await deploy;
    } finally {
      this.#deploys.delete(deploy);
    }
  }

  /** To the version given, or to what was current before; again, to what was before that. */
  async rollback(name: string, version?: string): Promise<App> {
    return await this.#change(name, async (state) => {
      const next =
        version === undefined ? withPrevious(state) : this.#stateAt(name, state, version);
      if (next === undefined) {
        const message = `nothing was current before ${state.current} that is still there`;
        throw new DroverError('failed_precondition', `app ${name}: ${message}`, {
          reason: 'NOTHING_TO_ROLL_BACK_TO',
        });
      }
      if (this.#catalog.find(name, next.current) === undefined) {
        const message = `version ${next.current} of app ${name} cannot be read; see the log`;
        throw new DroverError('failed_precondition', message, { reason: 'APP_VERSION_DAMAGED' });
      }
      await this.#directory.change(name, next);
      this.#publish(name, next, this.#catalog.versionsOf(name));
      return this.#catalog.get(name);
    });
  }

  /** One version, which must not be the current one, or the app with its log. */
  async remove(name: string, version?: string): Promise<void> {
    await this.#change(name, async (state) => {
      if (version === undefined) await this.#removeApp(name);
      else await this.#removeVersion(name, state, version);
    });
  }

  /** Gives up deploys under way; lets what changes an app finish. The pool closes by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DroverError('unavailable', 'the server is stopping'));
    await this.#cron[Symbol.asyncDispose]();
    await Promise.allSettled(this.#deploys);
    await Promise.all([...this.#queues.values()].map((queue) => queue.idle()));
    await Promise.all([...this.#logs.values()].map((log) => log[Symbol.asyncDispose]()));
    await this.#directory[Symbol.asyncDispose]();
  }

  async #deploy(archive: AsyncIterable<Uint8Array>, parent: AbortSignal): Promise<AppVersion> {
    const { clock, workers, policy, mostUploadBytes } = this.#options;
    using deadline = openDeadline(clock, DEPLOY_MS, 'the deploy', parent);
    const { signal } = deadline;
    using incoming = await this.#directory.openIncoming();
    const archivePath = join(incoming.path, 'archive');
    await writeUpload(archive, archivePath, { mostBytes: mostUploadBytes, signal });
    const files = join(incoming.path, 'files');
    await mkdir(files);
    await chmod(files, 0o755);
    const input: ReceiveInput = { archivePath, directory: files, limits: LIMITS, policy };
    const received = await workers.run<ReceivedApp>(RECEIVE_TASK, input, { signal });
    return await this.#queued(received.manifest.name, async () => {
      signal.throwIfAborted();
      return await this.#place(received, join(files, received.root));
    });
  }

  async #place(received: ReceivedApp, from: string): Promise<AppVersion> {
    const { manifest, sizeBytes, fileCount } = received;
    const { name, version } = manifest;
    this.#directory.assertSound(name);
    const before = this.#directory.states.get(name);
    this.#assertRoom(name, version, before);
    const record = { deployedAt: this.#options.clock.nowMs(), sizeBytes, fileCount };
    const state = withCurrent(before, version, record);
    await this.#directory.place(name, version, { from, state });
    const path = this.#directory.versionPath(name, version);
    const deployed = createAppVersion(manifest, path, record);
    this.#publish(name, state, [...this.#catalog.versionsOf(name), deployed]);
    return deployed;
  }

  #assertRoom(name: string, version: string, state: AppState | undefined): void {
    if (state?.versions.has(version) === true) {
      const message =
        `app ${name} has a version ${version}, and versions never change: ` +
        'raise the version in the manifest';
      throw new DroverError('already_exists', message, { reason: 'VERSION_EXISTS' });
    }
    const isFull =
      state === undefined
        ? this.#directory.states.size >= MOST_APPS
        : state.versions.size >= MOST_VERSIONS;
    if (!isFull) return;
    const most = state === undefined ? `${MOST_APPS} apps` : `${MOST_VERSIONS} versions of ${name}`;
    throw new DroverError('resource_exhausted', `there are ${most}, which is the most`, {
      reason: 'TOO_MANY_APPS',
    });
  }

  async #removeVersion(name: string, state: AppState, version: string): Promise<void> {
    if (!state.versions.has(version)) throw noVersion(name, state, version);
    if (state.current === version) {
      const way = 'deploy another or roll back first, or remove the whole app';
      const message = `version ${version} of app ${name} is current: ${way}`;
      throw new DroverError('failed_precondition', message, { reason: 'VERSION_IS_CURRENT' });
    }
    const removed = this.#catalog.find(name, version);
    const next = withoutVersion(state, version);
    await this.#directory.change(name, next);
    this.#publish(
      name,
      next,
      this.#catalog.versionsOf(name).filter((it) => it !== removed),
    );
    await this.#retire(removed === undefined ? [] : [removed]);
    await this.#directory.discardVersion(name, version);
  }

  async #removeApp(name: string): Promise<void> {
    const versions = this.#catalog.versionsOf(name);
    await this.#directory.forget(name);
    this.#catalog.delete(name);
    this.#cron.delete(name);
    this.#tellChange();
    await this.#retire(versions);
    const log = this.#logs.get(name);
    this.#logs.delete(name);
    await log?.[Symbol.asyncDispose]();
    await this.#directory.discardApp(name);
  }

  async #retire(versions: readonly AppVersion[]): Promise<void> {
    const keys = versions.flatMap(({ workerApp }) => workerApp?.key ?? []);
    for (const key of keys) this.#admitted.delete(key);
    await Promise.all(keys.map((key) => this.#options.workers.retire(key)));
  }

  #stateAt(name: string, state: AppState, version: string): AppState {
    if (!state.versions.has(version)) throw noVersion(name, state, version);
    return withCurrent(state, version);
  }

  async #load(name: string, state: AppState): Promise<void> {
    const versions: AppVersion[] = [];
    for (const [version, record] of state.versions) {
      const path = this.#directory.versionPath(name, version);
      try {
        const manifest = await readManifest(path, this.#options.policy);
        if (manifest.name !== name || manifest.version !== version) {
          throw new Error(`its manifest is that of ${manifest.name}@${manifest.version}`);
        }
        versions.push(createAppVersion(manifest, path, record));
      } catch (error) {
        this.#options.log.error({ app: `${name}@${version}`, error }, 'an app is left out');
      }
    }
    this.#publish(name, state, versions);
  }

  /** The pool knows of each version before a name can mean it. */
  #publish(name: string, { current }: AppState, versions: readonly AppVersion[]): void {
    const before = this.#catalog.currentOf(name);
    // What is current comes first, since it is what most will ask for.
    const isNext = ({ manifest }: AppVersion) => manifest.version === current;
    for (const it of versions.toSorted((a, b) => Number(isNext(b)) - Number(isNext(a)))) {
      const isCurrent = isNext(it);
      if (it.workerApp === undefined) continue;
      if (it === before && !isCurrent) this.#retireLater(it.key);
      this.#admit(isCurrent ? it.workerApp : withoutMinimum(it.workerApp));
    }
    this.#catalog.set(name, current, versions);
    const live = this.#catalog.currentOf(name);
    if (live === undefined) this.#cron.delete(name);
    else this.#cron.set(live);
    this.#tellChange();
  }

  /** The pool takes a key once, so what changes about it comes in its place. */
  #admit(app: WorkerApp): void {
    const { minWorkers } = app.limits;
    const known = this.#admitted.get(app.key);
    if (known === minWorkers) return;
    if (known !== undefined) this.#retireLater(app.key);
    this.#options.workers.admit(app);
    this.#admitted.set(app.key, minWorkers);
  }

  /** Its workers finish what they have. The same key can be admitted anew in the same turn. */
  #retireLater(key: AppKey): void {
    this.#admitted.delete(key);
    this.#options.workers.retire(key).catch((thrown: unknown) => {
      this.#options.log.error({ app: key, error: toDroverError(thrown) }, 'workers did not retire');
    });
  }

  #tellChange(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (thrown) {
        this.#options.log.error({ error: toDroverError(thrown) }, 'a change of apps was not heard');
      }
    }
  }

  #logOf(name: string): AppLog {
    const known = this.#logs.get(name);
    if (known !== undefined) return known;
    const { clock, log, logBytes } = this.#options;
    const directory = this.#directory.logsPath(name);
    const opened = new AppLog({ directory, capBytes: logBytes, clock, log });
    this.#logs.set(name, opened);
    return opened;
  }

  async #change<T>(name: string, work: (state: AppState) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return await this.#queued(name, async () => {
      this.#directory.assertSound(name);
      const state = this.#directory.states.get(name);
      if (state === undefined) throw appNotFound(`there is no app ${name}`);
      return await work(state);
    });
  }

  async #queued<T>(name: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(name) ?? new SerialQueue();
    this.#queues.set(name, queue);
    try {
      return await queue.run(work);
    } finally {
      if (queue.length === 0) this.#queues.delete(name);
    }
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted();
  }
}

function noVersion(name: string, { versions }: AppState, version: string): DroverError {
  const there = sortVersions(versions.keys()).slice(0, 20).join(', ');
  return appNotFound(`app ${name} has no version ${version}; there are ${there}`);
}
