/**
 * What operators do with the servers that are watched, and the one place that tells the fleet whom
 * to watch:
 *
 *   configuration ─┐
 *   store ─────────┴▶ roster ─▶ fleet          (neither has one: this host, in all roles)
 *
 * Another process of the same database may change the store: its revision is asked for again and
 * again, which costs one row, and the roster is made anew when it is another one.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { isServerId, type ServerId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Fleet, RosterEntry } from './fleet.ts';
import { MOST_SERVERS, type ServerChanges, type ServerDraft } from './parse-server.ts';
import { openSecrets, sealSources } from './source-secrets.ts';
import { testSource, type SourceTest } from './source-test.ts';
import type { ServerStore, StoredServer } from './server-store.ts';
import type { SourceSpec, WatchedServer } from './server.ts';
import type { FeedOpener } from './source-feed.ts';

const REVISION_MS = 3 * SECOND_MS;

export interface ServerServiceParts {
  readonly store: ServerStore;
  readonly fleet: Pick<Fleet, 'watch'>;
  readonly opener: FeedOpener;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the configuration, in its order. */
  readonly configured: readonly ServerDraft[];
  /** Who is watched while there is nobody else. */
  readonly builtin: WatchedServer;
}

export type SourceView = SourceSpec extends infer S
  ? S extends { readonly sealedSecret: unknown }
    ? Omit<S, 'sealedSecret'> & { readonly hasSecret: boolean }
    : S
  : never;

/** What is shown of a server; no secret is in it. */
export interface ServerView extends Omit<WatchedServer, 'sources'> {
  readonly sources: readonly SourceView[];
  /** Undefined for what nobody added. */
  readonly createdAt: number | undefined;
  readonly updatedAt: number | undefined;
}

export class ServerService implements AsyncDisposable {
  readonly #parts: ServerServiceParts;
  readonly #configured: readonly WatchedServer[];
  readonly #refreshes = new SerialQueue();
  readonly #shadowed = new Set<ServerId>();
  #timer: Timer | undefined;
  #revision: number | undefined;

  constructor(parts: ServerServiceParts) {
    this.#parts = parts;
    const { configured, secretBox } = parts;
    this.#configured = configured.map(({ id, name, roles, sources }) => ({
      ...{ id, name, roles, sources: sealSources({ id, sources, before: [], secretBox }) },
      origin: 'config',
    }));
  }

  /** Resolves when the fleet knows whom to watch. */
  async start(): Promise<void> {
    await this.#refreshes.run(() => this.#refresh());
    this.#timer = this.#parts.clock.every(REVISION_MS, () => {
      if (this.#refreshes.length === 0) void this.#refreshes.run(() => this.#follow());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel();
    await this.#refreshes.idle();
  }

  /** Those of the configuration first, then the others by id; this is the order of the roles. */
  async list(): Promise<readonly ServerView[]> {
    return (await this.#all()).map(serverToView);
  }

  async get(id: string): Promise<ServerView> {
    return serverToView(await this.#find(id));
  }

  async create({ id, name, roles, sources }: ServerDraft): Promise<ServerView> {
    const { store, secretBox, clock } = this.#parts;
    if (this.#configured.some((server) => server.id === id)) throw idTaken(id);
    const nowMs = clock.nowMs();
    const server: StoredServer = {
      ...{ id, name, roles, sources: sealSources({ id, sources, before: [], secretBox }) },
      ...{ origin: 'api', createdAt: nowMs, updatedAt: nowMs },
    };
    await store.insert(server, MOST_SERVERS);
    await this.#noticed();
    return serverToView(server);
  }

  async change(id: string, { name, roles, sources }: ServerChanges): Promise<ServerView> {
    const { store, secretBox, clock } = this.#parts;
    const found = await this.#find(id);
    this.#assertChangeable(found);
    const changed = await store.update(found.id, (now) => ({
      ...now,
      name: name ?? now.name,
      roles: roles ?? now.roles,
      sources:
        sources === undefined
          ? now.sources
          : sealSources({ id: now.id, sources, before: now.sources, secretBox }),
      updatedAt: Math.max(clock.nowMs(), now.updatedAt + 1),
    }));
    if (changed === undefined) throw notFound(id);
    await this.#noticed();
    return serverToView(changed);
  }

  async remove(id: string): Promise<void> {
    const found = await this.#find(id);
    this.#assertChangeable(found);
    if (!(await this.#parts.store.remove(found.id))) throw notFound(id);
    await this.#noticed();
  }

  /** Asks each of its sources once, now, and says of each how that went. */
  async test(id: string, signal: AbortSignal): Promise<readonly SourceTest[]> {
    const { secretBox, opener, clock } = this.#parts;
    const server = await this.#find(id);
    const opened = openSecrets(server, secretBox);
    return await Promise.all(
      server.sources.map(async (spec, at) => {
        const secret = opened[at];
        if (secret instanceof DroverError) return { kind: spec.kind, error: secret.message };
        return await testSource({ id: server.id, spec, secret }, { opener, clock, signal });
      }),
    );
  }

  async #find(id: string): Promise<WatchedServer> {
    const found = (await this.#all()).find((server) => server.id === id);
    if (found === undefined) throw notFound(id);
    return found;
  }

  async #all(): Promise<readonly WatchedServer[]> {
    const stored = await this.#parts.store.list();
    const taken = new Set(this.#configured.map(({ id }) => id));
    const others = stored.filter(({ id }) => !taken.has(id));
    const all = [...this.#configured, ...others];
    return all.length === 0 ? [this.#parts.builtin] : all;
  }

  #assertChangeable({ id, origin }: WatchedServer): void {
    if (origin === 'api') return;
    const at = this.#configured.findIndex((server) => server.id === id);
    const why =
      origin === 'config'
        ? `${id} is servers[${at}] of the configuration; change it there and restart`
        : `${id} is this host, which is shown because there are no other servers; add a server ` +
          'with a source of kind local to say how it is shown';
    throw new DroverError('failed_precondition', why, { reason: 'SERVER_NOT_CHANGEABLE' });
  }

  /** The change is stored; should this fail, the next look at the revision makes good for it. */
  async #noticed(): Promise<void> {
    await this.#refreshes.run(() => this.#follow());
  }

  async #follow(): Promise<void> {
    try {
      if ((await this.#parts.store.revision()) !== this.#revision) await this.#refresh();
    } catch (thrown) {
      const error = toDroverError(thrown);
      this.#parts.log.warn({ error }, 'the list of servers could not be read');
    }
  }

  async #refresh(): Promise<void> {
    const { store, fleet, log } = this.#parts;
    // Before the list: what is newer than it is then read again, and nothing is missed.
    const revision = await store.revision();
    const servers = await this.#all();
    await fleet.watch(servers.map((server) => this.#toEntry(server)));
    this.#revision = revision;
    for (const { id } of this.#configured) {
      if (this.#shadowed.has(id) || (await store.find(id)) === undefined) continue;
      this.#shadowed.add(id);
      log.warn({ server: id }, 'a server of the configuration hides one that was added');
    }
  }

  #toEntry(server: WatchedServer): RosterEntry {
    const { secretBox, log } = this.#parts;
    const secrets = openSecrets(server, secretBox).map((secret, at) => {
      if (!(secret instanceof DroverError)) return secret;
      // Without it the source will say that it wants one, which is shown with the server.
      log.warn({ server: server.id, source: at, error: secret }, 'a secret cannot be opened');
      return undefined;
    });
    return { server, secrets };
  }
}

function serverToView(server: WatchedServer | StoredServer): ServerView {
  const { id, name, roles, sources, origin } = server;
  const [createdAt, updatedAt] =
    'createdAt' in server ? [server.createdAt, server.updatedAt] : [undefined, undefined];
  return {
    ...{ id, name, roles, origin, createdAt, updatedAt },
    sources: sources.map((source): SourceView => {
      if (source.kind === 'local') return source;
      const { sealedSecret, ...shown } = source;
      return { ...shown, hasSecret: sealedSecret !== undefined };
    }),
  };
}

function notFound(id: string): DroverError {
  const shown = isServerId(id) ? ` ${id}` : '';
  return new DroverError('not_found', `there is no server${shown}`, { reason: 'SERVER_NOT_FOUND' });
}

function idTaken(id: string): DroverError {
  return new DroverError(
    'already_exists',
    `id: there is a server ${id} in the configuration; choose another id`,
    { reason: 'SERVER_EXISTS', metadata: { field: 'id' } },
  );
}
