/**
 * All servers that are watched, as they were last seen. Reading costs nothing: answers come from
 * snapshots that pollers renew, each source at its own pace.
 *
 *   roster ─▶ feeds, one for each thing to ask ─▶ pollers ─▶ snapshots ─▶ listeners
 *                                    alerts that fire ──────────┘
 *
 * What always holds:
 * - A snapshot is replaced, never changed; its revision is greater than that of any before it.
 * - A change of the roster closes and opens only the feeds it concerns; values carry over. Each
 *   server gets a new revision by it: which of them stands for a role may be another one now.
 */
import type { Clock, Timer } from '#kernel/clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { FeedPoller } from './feed-poller.ts';
import { mergeReadings } from './merge-readings.ts';
import { judgeServer, NO_ALERTS, type AlertCounts } from './server-status.ts';
import type { ServerSnapshot, SourceState } from './server-snapshot.ts';
import type { ServerRole, WatchedServer } from './server.ts';
import type { FeedOpener, FeedRequest } from './source-feed.ts';

/** How old an answer may be before its values are no longer shown: so many intervals. */
const AGE_LIMIT_INTERVALS = 6;
const LEAST_AGE_LIMIT_MS = 30 * SECOND_MS;
/** Ages and alerts change without any source having answered. */
const REVIEW_MS = SECOND_MS;

export interface FleetOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly opener: FeedOpener;
  readonly intervalMs: number;
  /** What fires now, by server; asked once in a second and after each poll. */
  readonly alerts: () => ReadonlyMap<ServerId, AlertCounts>;
}

/** A server with the secrets of its sources opened, in their order. */
export interface RosterEntry {
  readonly server: WatchedServer;
  readonly secrets: readonly (string | undefined)[];
}

export interface FleetCounts {
  readonly total: number;
  readonly online: number;
  /** What fires, and servers that are offline: each of them is something to look at. */
  readonly alerts: number;
}

interface Watched {
  readonly server: WatchedServer;
  /** Of its sources, in their order. */
  readonly pollers: readonly FeedPoller[];
  snapshot: ServerSnapshot;
}

type Listener = (snapshot: ServerSnapshot) => void;

export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #ageLimitMs: number;
  readonly #changes = new SerialQueue();
  readonly #listeners = new Set<Listener>();
  readonly #pollers = new Map<string, FeedPoller>();
  #watched: ReadonlyMap<ServerId, Watched> = new Map();
  #review: Timer;
  #revision = 0;
  #firstRound: Promise<unknown> = Promise.resolve();

  constructor(options: FleetOptions) {
    this.#options = options;
    const { clock, intervalMs } = options;
    this.#ageLimitMs = Math.max(LEAST_AGE_LIMIT_MS, AGE_LIMIT_INTERVALS * intervalMs);
    this.#review = clock.every(REVIEW_MS, () => this.#renew([...this.#watched.keys()]));
  }

  get intervalMs(): number {
    return this.#options.intervalMs;
  }

  /** Of the newest change of any server. */
  get revision(): number {
    return this.#revision;
  }

  /** Resolves when each source answered, or failed, once since the roster was last changed. */
  async settled(): Promise<void> {
    await this.#firstRound;
  }

  list(): readonly ServerSnapshot[] {
    return Array.from(this.#watched.values(), ({ snapshot }) => snapshot);
  }

  find(id: ServerId): ServerSnapshot | undefined {
    return this.#watched.get(id)?.snapshot;
  }

  /** The first one with the role. */
  withRole(role: ServerRole): ServerSnapshot | undefined {
    return this.list().find(({ server }) => server.roles.includes(role));
  }

  counts(): FleetCounts {
    const all = this.list();
    const offline = all.filter(({ status }) => status === 'offline').length;
    const firing = all.reduce((sum, { alerts }) => sum + alerts, 0);
    return {
      total: all.length,
      online: all.filter(({ status }) => status === 'online').length,
      alerts: firing + offline,
    };
  }

  /** Called with each snapshot that differs from the one before; slow work belongs elsewhere. */
  onChange(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** From now on these are the servers. Does not wait for their sources. */
  async watch(roster: readonly RosterEntry[]): Promise<void> {
    await this.#changes.run(() => this.#replace(roster));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#review.cancel();
    this.#listeners.clear();
    await this.#changes.run(() => Promise.resolve());
    await Promise.all(Array.from(this.#pollers.values(), closePoller));
  }

  async #replace(roster: readonly RosterEntry[]): Promise<void> {
    const wanted = groupRequests(roster, this.#options.opener);
    const before = new Map(this.#pollers);
    const opened: FeedPoller[] = [];
    this.#pollers.clear();
    for (const [key, group] of wanted) {
      const old = before.get(key);
      const poller = old ?? this.#open(group);
      this.#pollers.set(key, poller);
      if (old === undefined) opened.push(poller);
      before.delete(key);
    }
    const known = this.#watched;
    this.#watched = this.#arrange(roster, wanted);
    for (const [id, { pollers }] of this.#watched) {
      pollers.forEach((poller, at) => {
        const answer = known.get(id)?.pollers[at]?.answerOf(id);
        if (answer !== undefined && opened.includes(poller)) poller.inherit(id, answer);
      });
    }
    await Promise.all(Array.from(before.values(), closePoller));
    this.#firstRound = Promise.all(opened.map((poller) => poller.start()));
    this.#renew([...this.#watched.keys()]);
  }

  #open(group: readonly FeedRequest[]): FeedPoller {
    const { clock, log, opener, intervalMs } = this.#options;
    return new FeedPoller({
      ...{ clock, log, intervalMs },
      feed: opener.open(group),
      servers: [...new Set(group.map(({ id }) => id))],
      onPolled: (servers) => this.#renew(servers),
    });
  }

  #arrange(
    roster: readonly RosterEntry[],
    groups: ReadonlyMap<string, readonly FeedRequest[]>,
  ): ReadonlyMap<ServerId, Watched> {
    const keys = new Map<SourceSpecOf, string>();
    for (const [key, group] of groups) for (const { spec } of group) keys.set(spec, key);
    const watched = new Map<ServerId, Watched>();
    for (const { server } of roster) {
      const pollers = server.sources.flatMap((spec) => {
        const poller = this.#pollers.get(keys.get(spec) ?? '');
        return poller === undefined ? [] : [poller];
      });
      this.#revision += 1;
      watched.set(server.id, { server, pollers, snapshot: this.#look(server, pollers, NO_ALERTS) });
    }
    // Those that are gone are a change too, even if nobody is left.
    this.#revision += 1;
    return watched;
  }

  /** Looks again at these, and tells of what changed. */
  #renew(ids: readonly ServerId[]): void {
    const alerts = this.#options.alerts();
    for (const id of ids) {
      const watched = this.#watched.get(id);
      if (watched === undefined) continue;
      const { server, pollers, snapshot: before } = watched;
      const next = this.#look(server, pollers, alerts.get(id) ?? NO_ALERTS);
      if (isSame(before, next)) continue;
      this.#revision += 1;
      watched.snapshot = { ...next, revision: this.#revision };
      for (const listener of this.#listeners) listener(watched.snapshot);
    }
  }

  #look(
    server: WatchedServer,
    pollers: readonly FeedPoller[],
    alerts: AlertCounts,
  ): ServerSnapshot {
    const nowMs = this.#options.clock.monotonicMs();
    const answers = pollers.map((poller) => poller.answerOf(server.id));
    const sources = answers.map((answer, at): SourceState => {
      const { kind, label } = pollers[at]?.feed ?? { kind: 'local', label: '' };
      const { answeredAt, responseMs, error, failures, answeredMonotonicMs } = answer;
      const ageMs = answeredAt === undefined ? undefined : nowMs - answeredMonotonicMs;
      return { kind, label, answeredAt, ageMs, responseMs, error, failures };
    });
    const isFresh = (at: number) => (sources[at]?.ageMs ?? Infinity) <= this.#ageLimitMs;
    const readings = answers.flatMap(({ reading }, at) =>
      reading !== undefined && isFresh(at) ? [reading] : [],
    );
    const { ageLimitMs } = { ageLimitMs: this.#ageLimitMs };
    return {
      ...{ server, ...judgeServer({ sources, alerts, ageLimitMs }), sources },
      reading: mergeReadings(readings),
      updatedAt: mostOf(sources.map(({ answeredAt }) => answeredAt)),
      responseMs: mostOf(sources.map(({ responseMs }) => responseMs)),
      alerts: alerts.critical + alerts.others,
      revision: this.#revision,
    };
  }
}

type SourceSpecOf = FeedRequest['spec'];

/** By what there is to ask, and everything that would make the asking another one. */
function groupRequests(
  roster: readonly RosterEntry[],
  opener: FeedOpener,
): ReadonlyMap<string, readonly FeedRequest[]> {
  const groups = new Map<string, FeedRequest[]>();
  for (const { server, secrets } of roster) {
    server.sources.forEach((spec, at) => {
      const request = { id: server.id, spec, secret: secrets[at] };
      const key = opener.keyOf(request);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [request]);
      else group.push(request);
    });
  }
  return new Map(Array.from(groups, ([key, group]) => [`${key} ${fingerprint(group)}`, group]));
}

/** Sealed secrets stand for the open ones: each sealing is another text. */
function fingerprint(group: readonly FeedRequest[]): string {
  return JSON.stringify(group.map(({ id, spec }) => [id, spec]));
}

/** Ages alone do not make a snapshot another one. */
function isSame(before: ServerSnapshot, next: ServerSnapshot): boolean {
  return (
    before.status === next.status &&
    before.updatedAt === next.updatedAt &&
    before.alerts === next.alerts &&
    before.server === next.server &&
    before.sources.every(({ error }, at) => error === next.sources[at]?.error) &&
    Object.keys(before.reading).length === Object.keys(next.reading).length
  );
}

function mostOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

async function closePoller(poller: FeedPoller): Promise<void> {
  await poller[Symbol.asyncDispose]();
}
