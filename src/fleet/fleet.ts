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
/** So many feeds are first asked at once; those behind them a little later, and so on. */
const FIRST_AT_ONCE = 16;
const FIRST_STEP_MS = 25;

export interface FleetOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly opener: FeedOpener;
  readonly intervalMs: number;
  /** What fires now, by server; asked once in a second. */
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
  /** What fires, and servers that are offline and for which nothing fires yet. */
  readonly alerts: number;
}

interface Watched {
  readonly server: WatchedServer;
  /** Of its sources, in their order. */
  readonly pollers: readonly FeedPoller[];
  snapshot: ServerSnapshot;
  /** What the snapshot was judged by. */
  alerts: AlertCounts;
  /** When, by the clock that never jumps, an answer in the snapshot is too old to be shown. */
  staleAtMs: number;
}

type Listener = (snapshot: ServerSnapshot) => void;

export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #ageLimitMs: number;
  readonly #changes = new SerialQueue();
  readonly #listeners = new Set<Listener>();
  readonly #pollers = new Map<string, FeedPoller>();
  #watched: ReadonlyMap<ServerId, Watched> = new Map();
  /** Of all that are watched; undefined once any of them is another one. */
  #listed: readonly ServerSnapshot[] | undefined;
  #remote: readonly ServerId[] | undefined;
  #alerts: ReadonlyMap<ServerId, AlertCounts> = new Map();
  #review: Timer;
  #revision = 0;
  #firstRound: Promise<unknown> = Promise.resolve();
  #isSettled = true;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { clock, intervalMs } = options;
    this.#ageLimitMs = Math.max(LEAST_AGE_LIMIT_MS, AGE_LIMIT_INTERVALS * intervalMs);
    this.#review = clock.every(REVIEW_MS, () => this.#reviewAll());
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

  get isSettled(): boolean {
    return this.#isSettled;
  }

  list(): readonly ServerSnapshot[] {
    this.#listed ??= Array.from(this.#watched.values(), ({ snapshot }) => snapshot);
    return this.#listed;
  }

  /**
   * Those that other processes may watch as well, for none of their sources is this process. The
   * same list until the roster is changed; undefined before there is one.
   */
  get remote(): readonly ServerId[] | undefined {
    return this.#remote;
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
    const attentionOf = ({ alerts, status }: ServerSnapshot) =>
      status === 'offline' ? Math.max(1, alerts) : alerts;
    return {
      total: all.length,
      online: all.filter(({ status }) => status === 'online').length,
      alerts: all.reduce((sum, each) => sum + attentionOf(each), 0),
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
    this.#listed = undefined;
    this.#remote = roster.flatMap(({ server: { id, sources } }) =>
      sources.some(({ kind }) => kind === 'local') ? [] : [id],
    );
    const isNew = new Set(opened);
    for (const [id, { pollers }] of this.#watched) {
      pollers.forEach((poller, at) => {
        const answer = known.get(id)?.pollers[at]?.answerOf(id);
        if (answer !== undefined && isNew.has(poller)) poller.inherit(id, answer);
      });
    }
    await Promise.all(Array.from(before.values(), closePoller));
    this.#begin(opened);
    this.#alerts = this.#options.alerts();
    this.#renew([...this.#watched.keys()]);
  }

  /**
   * Many are asked little by little, and then evenly over the interval: answers that come all at
   * once would wait for each other, and what is slow then is this process and not the sources.
   */
  #begin(opened: readonly FeedPoller[]): void {
    const isSpread = opened.length > FIRST_AT_ONCE;
    const rounds = opened.map((poller, at) => {
      const afterMs = Math.floor(at / FIRST_AT_ONCE) * FIRST_STEP_MS;
      return poller.start({ afterMs, place: isSpread ? at / opened.length : 0 });
    });
    const round = Promise.all(rounds);
    this.#firstRound = round;
    this.#isSettled = false;
    void round.then(() => {
      if (this.#firstRound === round) this.#isSettled = true;
    });
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
      const snapshot = this.#look(server, pollers, NO_ALERTS);
      const judged = { alerts: NO_ALERTS, staleAtMs: Infinity };
      watched.set(server.id, { server, pollers, snapshot, ...judged });
    }
    // Those that are gone are a change too, even if nobody is left.
    this.#revision += 1;
    return watched;
  }

  /** Of most servers nothing can have changed since their sources answered. */
  #reviewAll(): void {
    this.#alerts = this.#options.alerts();
    const nowMs = this.#options.clock.monotonicMs();
    const due: ServerId[] = [];
    for (const [id, { alerts, staleAtMs }] of this.#watched) {
      if (nowMs > staleAtMs || !isSameCount(alerts, this.#alerts.get(id))) due.push(id);
    }
    this.#renew(due);
  }

  /** Looks again at these, and tells of what changed. */
  #renew(ids: readonly ServerId[]): void {
    for (const id of ids) {
      const watched = this.#watched.get(id);
      if (watched === undefined) continue;
      const { server, pollers, snapshot: before } = watched;
      watched.alerts = this.#alerts.get(id) ?? NO_ALERTS;
      watched.staleAtMs = this.#staleAtMs(watched);
      const next = this.#look(server, pollers, watched.alerts);
      if (isSame(before, next)) continue;
      this.#revision += 1;
      this.#listed = undefined;
      watched.snapshot = { ...next, revision: this.#revision };
      for (const listener of this.#listeners) listener(watched.snapshot);
    }
  }

  #staleAtMs({ server, pollers }: Watched): number {
    const nowMs = this.#options.clock.monotonicMs();
    const ends = pollers.map((each) => each.answerOf(server.id).answeredMonotonicMs);
    const coming = ends.map((ms) => ms + this.#ageLimitMs).filter((ms) => ms >= nowMs);
    return Math.min(...coming);
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
    const ageLimitMs = this.#ageLimitMs;
    return {
      ...{ server, ...judgeServer({ sources, alerts, ageLimitMs }), sources },
      reading: mergeReadings(readings),
      updatedAt: mostOf(sources.map(({ answeredAt }) => answeredAt)),
      responseMs: mostOf(sources.map(({ responseMs }) => responseMs)),
      alerts: alerts.critical + alerts.warning + alerts.info,
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
    before.reasons.length === next.reasons.length &&
    before.reasons.every((reason, at) => reason === next.reasons[at]) &&
    before.sources.every(({ error, failures }, at) => {
      const now = next.sources[at];
      return error === now?.error && failures === now?.failures;
    }) &&
    Object.keys(before.reading).length === Object.keys(next.reading).length
  );
}

function isSameCount(before: AlertCounts, now: AlertCounts = NO_ALERTS): boolean {
  return (['critical', 'warning', 'info'] as const).every(
    (each) => before[each] === now[each] && before.names?.[each] === now.names?.[each],
  );
}

function mostOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

async function closePoller(poller: FeedPoller): Promise<void> {
  await poller[Symbol.asyncDispose]();
}
