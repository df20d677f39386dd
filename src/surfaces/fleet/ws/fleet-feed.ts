/**
 * Servers as they change, for all who follow.
 *
 *   nobody ── join ──▶ looking, once a second ── the last one leaves ──▶ nobody
 *
 *   one who follows:  joined ── sources answered, or a second passed ──▶ told ⇄ owed
 *
 * What always holds:
 * - While nobody follows no timer runs and nothing is written; nor is a server written that nobody
 *   wishes for.
 * - What is told of a server is written once for each of its revisions, however many follow.
 * - Revisions are told in their order, the overview last. So whoever had a message has everything
 *   up to the revision it names that he wished for, and can go on from there.
 */
import type { IncomingMessage } from 'node:http';
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import { toIsoTime, type Timer } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { LiveAudience } from '#surfaces/edge/live-audience.ts';
import type { LiveClient, LiveSocket } from '#surfaces/edge/live-client.ts';
import { waitForSources } from '#surfaces/fleet/answer.ts';
import { writeCursor } from '#surfaces/fleet/cursor.ts';
import type { FleetParts } from '#surfaces/fleet/fleet-parts.ts';
import { overviewToJson } from '#surfaces/fleet/render/overview.ts';
import { parseBegin, parseSaid } from './parse-said.ts';
import { findTopic, listTopics, OVERVIEW, topicToJson, type Wish } from './topics.ts';

const LOOK_MS = SECOND_MS;
const HEARTBEAT_MS = 30 * SECOND_MS;

interface Follower {
  readonly client: LiveClient;
  readonly gone: AbortController;
  wish: Wish;
  /** The revision up to which it was told everything; undefined until it was told anything. */
  knows: number | undefined;
  /** It asked again too soon, and is told everything at the next look. */
  isOwed: boolean;
  /** When it was told everything. */
  toldAt: number;
}

interface Written {
  readonly revision: number;
  readonly text: string;
}

export class FleetFeed {
  readonly #parts: FleetParts;
  readonly #audience: LiveAudience;
  readonly #followers = new Map<LiveClient, Follower>();
  /** The newest of each topic that was told. */
  readonly #written = new Map<string, Written>();
  #timers: readonly Timer[] = [];
  #toldRevision = 0;
  /** When the overview was last told to all, and of which revision. */
  #overviewAt = -Infinity;
  #overviewRevision = 0;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    const { clock, maxSockets } = parts;
    const onLeave = (client: LiveClient) => this.#leave(client);
    this.#audience = new LiveAudience({ clock, maxSockets, onLeave });
  }

  /** To be asked while it can still be an answer of HTTP. */
  assertMayJoin(raw: IncomingMessage): void {
    parseBegin(raw);
    this.#audience.assertRoom();
  }

  /** Until it closes. */
  join(socket: LiveSocket, raw: IncomingMessage): void {
    const client = this.#audience.admit(socket);
    if (client === undefined) return;
    const { wish, since } = parseBegin(raw);
    const gone = new AbortController();
    const follower: Follower = {
      ...{ client, gone, wish, knows: undefined, isOwed: false, toldAt: -Infinity },
    };
    this.#followers.set(client, follower);
    if (this.#followers.size === 1) this.#start();
    socket.on('message', (data) => this.#hear(follower, data));
    client.begin([this.#writeEvent('connection_established', { message: WELCOME })]);
    void this.#welcome(follower, since);
  }

  /** The server is going down. */
  end(): void {
    this.#stop();
    this.#audience.end();
  }

  async #welcome(follower: Follower, since: number): Promise<void> {
    try {
      await waitForSources(this.#parts, follower.gone.signal);
    } catch {
      // It is gone.
      return;
    }
    this.#tellAll(follower, since);
  }

  #hear(follower: Follower, data: unknown): void {
    const { client } = follower;
    try {
      const said = parseSaid(data);
      switch (said.kind) {
        case 'ping':
          client.tell('pong', this.#writeEvent('pong', {}));
          return;
        case 'subscribe':
          follower.wish = said.wish;
          client.tell('subscribed', this.#writeEvent('subscribed', wishToJson(said.wish)));
          this.#ask(follower);
          return;
        case 'request_update':
          this.#ask(follower);
      }
    } catch (thrown) {
      const { message } = toDroverError(thrown);
      client.tell('error', this.#writeEvent('error', { message }));
    }
  }

  /** Once a second at most, however often it asks. */
  #ask(follower: Follower): void {
    const isSoon = this.#parts.clock.monotonicMs() - follower.toldAt < LOOK_MS;
    if (isSoon || follower.knows === undefined) follower.isOwed = true;
    else this.#tellAll(follower, -1);
  }

  #start(): void {
    const { clock, fleet } = this.#parts;
    this.#toldRevision = fleet.revision;
    this.#overviewRevision = fleet.revision;
    this.#overviewAt = clock.monotonicMs();
    this.#timers = [
      clock.every(LOOK_MS, () => this.#look()),
      clock.every(HEARTBEAT_MS, () => {
        const { size } = this.#audience;
        this.#audience.tell('heartbeat', this.#writeEvent('heartbeat', { connections: size }));
        this.#audience.ping();
      }),
    ];
  }

  #leave(client: LiveClient): void {
    this.#followers.get(client)?.gone.abort();
    this.#followers.delete(client);
    if (this.#followers.size === 0) this.#stop();
  }

  #stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#written.clear();
  }

  #look(): void {
    this.#audience.look();
    const all = [...this.#followers.values()].filter(({ knows }) => knows !== undefined);
    const owed = all.filter(({ isOwed }) => isOwed);
    const others = all.filter(({ isOwed }) => !isOwed);
    const { fleet } = this.#parts;
    if (fleet.revision > this.#toldRevision) this.#tellChanges(others);
    this.#toldRevision = fleet.revision;
    this.#tellOverview(others);
    for (const follower of owed) this.#tellAll(follower, -1);
  }

  #tellChanges(followers: readonly Follower[]): void {
    const usual = new Set(listTopics(this.#parts.fleet));
    const wishedFor = new Set(followers.flatMap(({ wish }) => [...(wish ?? usual)]));
    for (const topic of this.#written.keys()) {
      if (topic !== OVERVIEW && !wishedFor.has(topic)) this.#written.delete(topic);
    }
    for (const [topic, snapshot] of this.#inOrder(wishedFor, this.#toldRevision)) {
      const text = this.#writeServer(topic, snapshot);
      for (const { client, wish, knows = 0 } of followers) {
        const isNews = snapshot.revision > knows && (wish ?? usual).has(topic);
        if (isNews) client.tell(topic, text);
      }
    }
  }

  /** It is about everybody, and so told no more often than a source is asked. */
  #tellOverview(followers: readonly Follower[]): void {
    const { clock, fleet } = this.#parts;
    const nowMs = clock.monotonicMs();
    // Timers are early or late by a little.
    if (nowMs - this.#overviewAt < fleet.intervalMs - LOOK_MS / 2) return;
    if (this.#overviewRevision === fleet.revision) return;
    this.#overviewAt = nowMs;
    this.#overviewRevision = fleet.revision;
    const wishing = followers.filter(({ wish }) => wish?.has(OVERVIEW) ?? true);
    if (wishing.length === 0) return;
    const text = this.#writeOverview();
    for (const { client } of wishing) client.tell(OVERVIEW, text);
  }

  /** How everything stands that it wishes for, as far as it does not know it yet. */
  #tellAll(follower: Follower, since: number): void {
    const { fleet, clock } = this.#parts;
    const { client, wish = new Set([OVERVIEW, ...listTopics(fleet)]) } = follower;
    follower.toldAt = clock.monotonicMs();
    follower.knows = fleet.revision;
    follower.isOwed = false;
    for (const [topic, snapshot] of this.#inOrder(wish, since)) {
      client.tell(topic, this.#writeServer(topic, snapshot));
    }
    // It may be behind the servers: what is told of it is told more seldom.
    if (wish.has(OVERVIEW)) client.tell(OVERVIEW, this.#writeOverview());
  }

  #inOrder(topics: ReadonlySet<string>, since: number): readonly Topic[] {
    const found = Array.from(topics).flatMap((topic): Topic[] => {
      const snapshot = topic === OVERVIEW ? undefined : findTopic(this.#parts.fleet, topic);
      return snapshot === undefined || snapshot.revision <= since ? [] : [[topic, snapshot]];
    });
    return found.toSorted(([, one], [, other]) => one.revision - other.revision);
  }

  #writeServer(topic: string, snapshot: ServerSnapshot): string {
    return this.#writeOnce(topic, snapshot.revision, () => topicToJson(topic, snapshot));
  }

  #writeOverview(): string {
    const { fleet } = this.#parts;
    return this.#writeOnce(OVERVIEW, fleet.revision, () => overviewToJson(fleet));
  }

  #writeOnce(topic: string, revision: number, toJson: () => object): string {
    const before = this.#written.get(topic);
    if (before?.revision === revision) return before.text;
    // A server may be told of under several names, of which this may be the first.
    const upTo = writeCursor(topic === OVERVIEW ? revision : revision - 1);
    const text = this.#writeEvent('metrics_update', {
      ...{ server_type: topic, data: toJson(), revision: upTo },
    });
    this.#written.set(topic, { revision, text });
    return text;
  }

  #writeEvent(kind: string, fields: object): string {
    const timestamp = toIsoTime(this.#parts.clock.nowMs());
    return JSON.stringify({ event_type: kind, ...fields, timestamp });
  }
}

type Topic = readonly [topic: string, snapshot: ServerSnapshot];

const WELCOME = 'Connected to metrics stream';

function wishToJson(wish: Wish): object {
  return { servers: wish === undefined ? null : [...wish] };
}
