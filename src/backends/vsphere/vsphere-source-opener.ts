/**
 * Opens sources, and keeps their sessions for a while: whoever lists VMs, looks at one and submits
 * a job logs in once. Sessions are found again by a keyed hash of the login, so that no password
 * is kept as a key. A session ends when nobody has used it for five minutes.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { untilAborted } from '#kernel/abort.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type { SourceLogin, SourceOpener } from '#transfers/connection.ts';
import type { Source } from '#transfers/source.ts';
import { VSphereSession } from './session.ts';
import type { VddkParts } from './vddk-parts.ts';
import { VSphereSource, type VSphereSourceOptions } from './vsphere-source.ts';

const IDLE_MS = 5 * MINUTE_MS;
/** Kept ones. When all of them are in use, a further one is for its user alone. */
const MOST_SESSIONS = 32;

export interface VSphereSourceOpenerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What it takes to read through VDDK; without it nothing is. */
  readonly vddk?: VddkParts;
  /** Before a failed call is tried again; tests take less time. */
  readonly firstRetryMs?: number;
}

interface Entry {
  readonly key: string;
  readonly opening: Promise<VSphereSession>;
  users: number;
  idle: Timer | undefined;
}

export class VSphereSourceOpener implements SourceOpener, AsyncDisposable {
  readonly #options: VSphereSourceOpenerOptions;
  readonly #hashKey = randomBytes(32);
  /** In the order of their last use, but for those in use. */
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  readonly #ended = new AbortController();

  constructor(options: VSphereSourceOpenerOptions) {
    this.#options = options;
  }

  /** How many sessions are kept. */
  get sessions(): number {
    return this.#entries.size;
  }

  async open(login: SourceLogin, signal: AbortSignal): Promise<Source> {
    this.#ended.signal.throwIfAborted();
    const url = new URL(login.url);
    const key = this.#keyOf(login, url);
    const entry = this.#entries.get(key) ?? this.#addEntry(key, login, url);
    entry.users += 1;
    entry.idle?.cancel();
    entry.idle = undefined;
    try {
      const session = await untilAborted(entry.opening, signal);
      const release = () => this.#release(entry, session);
      const vddk = await untilAborted(this.#offerOfVddk(login), signal);
      return new VSphereSource({ session, datacenter: login.datacenter, release, ...vddk });
    } catch (thrown) {
      await this.#release(entry, undefined);
      throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new DroverError('cancelled', 'the server is stopping'));
    for (const entry of this.#entries.values()) this.#drop(entry);
    await Promise.all(this.#closing);
  }

  async #offerOfVddk(login: SourceLogin): Promise<Pick<VSphereSourceOptions, 'vddk'>> {
    const { vddk: parts } = this.#options;
    if (parts === undefined) return {};
    const { obstacle } = await parts.state();
    return { vddk: { parts, login, obstacle } };
  }

  #addEntry(key: string, login: SourceLogin, url: URL): Entry {
    const { username, password, trust } = login;
    const opening = VSphereSession.open(
      { url, username, password, trust },
      this.#options,
      this.#ended.signal,
    );
    const entry: Entry = { key, opening, users: 0, idle: undefined };
    // What failed is not kept: the next one tries for itself.
    opening.catch(() => this.#forget(entry));
    if (this.#makeRoom()) this.#entries.set(key, entry);
    return entry;
  }

  #makeRoom(): boolean {
    if (this.#entries.size < MOST_SESSIONS) return true;
    const unused = [...this.#entries.values()].find((entry) => entry.users === 0);
    if (unused === undefined) return false;
    this.#drop(unused);
    return true;
  }

  async #release(entry: Entry, session: VSphereSession | undefined): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    const isKept = this.#entries.get(entry.key) === entry;
    if (!isKept || session?.isRefused === true) {
      this.#drop(entry);
      await Promise.all(this.#closing);
      return;
    }
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    entry.idle = this.#options.clock.after(IDLE_MS, () => this.#drop(entry));
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
  }

  /** Its session is closed once, however often this is called for it. */
  #drop(entry: Entry): void {
    entry.idle?.cancel();
    this.#forget(entry);
    const close = async () => {
      try {
        await (await entry.opening)[Symbol.asyncDispose]();
      } catch {
        // It never came about, and whoever waited for it was told why.
      }
    };
    const closing = close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #keyOf({ username, password, trust }: SourceLogin, url: URL): string {
    const parts = [url.href, username, password, trust.ca, trust.thumbprint, trust.isInsecure];
    return createHmac('sha256', this.#hashKey).update(JSON.stringify(parts)).digest('hex');
  }
}
