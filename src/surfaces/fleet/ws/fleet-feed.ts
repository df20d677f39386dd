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
 * - What is told of a server is written once for each of its revisions, however many follow. What
 *   is told at one look goes out in one piece, the same for all who wish for the same.
 * - Revisions are told in their order, the overview last. So whoever had a message has everything
 *   up to the revision it names that he wished for, and can go on from there.
 */
import type { IncomingMessage } from 'node:http';
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import { toIsoTime, type Timer } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { LiveAudience } from '#surfaces/edge/live-audience.ts';
import { toBatches, type LiveBatch, type LiveMessage } from '#surfaces/edge/live-batch.ts';
import type { LiveClient, LiveSocket } from '#surfaces/edge/live-client.ts';
import { waitForSources } from '#surfaces/fleet/answer.ts';
import { writeCursor } from '#surfaces/fleet/cursor.ts';
import type { FleetParts } from '#surfaces/fleet/fleet-parts.ts';
import { writeOverview } from '#surfaces/fleet/render/overview.ts';
import { parseBegin, parseSaid } from './parse-said.ts';
import { findTopic, listTopics, OVERVIEW, topicToJson, type Wish } from './topics.ts';

const LOOK_MS = SECOND_MS;
const HEARTBEAT_MS = 30 * SECOND_MS;

interface Follower {
  readonly client: LiveClient;
  wish: Wish;
  /** The revision up to which it was told everything; undefined until it was told anything. */
  knows: number | undefined;
  /** It asked again too soon, and is told everything at the next look. */
  isOwed: boolean;
  /** When it was told everything. */
  toldAt: number;
}

/** By topic: a server may be told of under several names. */
type Written = Map<string, LiveMessage>;

export class FleetFeed {
  readonly #parts: FleetParts;
  readonly #audience: LiveAudience;
  readonly #followers = new Map<LiveClient, Follower>();
  readonly #ended = new AbortController();
  /** A snapshot never changes, and so neither does what is told of it. */
  #written = new WeakMap<ServerSnapshot, Written>();
  #overview: { readonly revision: number; readonly message: LiveMessage } | undefined;
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
    const follower: Follower = {
      ...{ client, wish, knows: undefined, isOwed: false, toldAt: -Infinity },
    };
    this.#followers.set(client, follower);
    if (this.#followers.size === 1) this.#start();
    socket.on('message', (data) => this.#hear(follower, data));
    client.begin([this.#writeEvent('connection_established', { message: WELCOME })]);
    void this.#welcome(follower, since);
  }

  /** The server is going down. */
  end(): void {
    this.#ended.abort();
    this.#stop();
    this.#audience.end();
  }

  async #welcome(follower: Follower, since: number): Promise<void> {
    try {
      if (!this.#parts.fleet.isSettled) await waitForSources(this.#parts, this.#ended.signal);
    } catch {
      // So is everything else.
      return;
    }
    if (this.#followers.has(follower.client)) this.#tellAll(follower, since);
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
        const beat = this.#writeEvent('heartbeat', { connections: size });
        this.#audience.tell('heartbeat', beat, { hasPing: true });
      }),
    ];
  }

  #leave(client: LiveClient): void {
    this.#followers.delete(client);
    if (this.#followers.size === 0) this.#stop();
  }

  #stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#written = new WeakMap();
    this.#overview = undefined;
  }

  #look(): void {
    this.#audience.look();
    const { fleet } = this.#parts;
    const hasOverview = this.#isOverviewDue();
    const usual = new Set(listTopics(fleet));
    // Those who wish for nothing special, and those with equal wishes, are told the same.
    const told = new Map<number, Map<string | undefined, readonly LiveBatch[]>>();
    const owed: Follower[] = [];
    for (const follower of this.#followers.values()) {
      const { client, wish, knows, isOwed } = follower;
      if (knows === undefined) continue;
      if (isOwed) {
        owed.push(follower);
        continue;
      }
      const since = Math.max(knows, this.#toldRevision);
      let ofThese = told.get(since);
      if (ofThese === undefined) told.set(since, (ofThese = new Map()));
      let batches = ofThese.get(wish?.text);
      if (batches === undefined) {
        const messages = this.#writeNews(wish?.topics ?? usual, since);
        const isWished = hasOverview && (wish?.topics.has(OVERVIEW) ?? true);
        batches = toBatches(isWished ? [...messages, this.#writeOverview()] : messages);
        ofThese.set(wish?.text, batches);
      }
      client.tellAll(batches);
    }
    this.#toldRevision = fleet.revision;
    for (const follower of owed) this.#tellAll(follower, -1);
  }

  /** It is about everybody, and so told no more often than a source is asked. */
  #isOverviewDue(): boolean {
    const { clock, fleet } = this.#parts;
    const nowMs = clock.monotonicMs();
    // Timers are early or late by a little.
    if (nowMs - this.#overviewAt < fleet.intervalMs - LOOK_MS / 2) return false;
    if (this.#overviewRevision === fleet.revision) return false;
    this.#overviewAt = nowMs;
    this.#overviewRevision = fleet.revision;
    return true;
  }

  /** How everything stands that it wishes for, as far as it does not know it yet. */
  #tellAll(follower: Follower, since: number): void {
    const { fleet, clock } = this.#parts;
    const { client, wish } = follower;
    follower.toldAt = clock.monotonicMs();
    follower.knows = fleet.revision;
    follower.isOwed = false;
    const messages = [...this.#writeNews(wish?.topics ?? listTopics(fleet), since)];
    // It may be behind the servers: what is told of it is told more seldom.
    if (wish?.topics.has(OVERVIEW) ?? true) messages.push(this.#writeOverview());
    client.tellAll(toBatches(messages));
  }

  /** What is newer than that, in the order in which it came to be. */
  #writeNews(topics: Iterable<string>, since: number): readonly LiveMessage[] {
    const { fleet } = this.#parts;
    const news: (readonly [topic: string, snapshot: ServerSnapshot])[] = [];
    for (const topic of topics) {
      const snapshot = topic === OVERVIEW ? undefined : findTopic(fleet, topic);
      if (snapshot !== undefined && snapshot.revision > since) news.push([topic, snapshot]);
    }
    news.sort(([, one], [, other]) => one.revision - other.revision);
    return news.map(([topic, snapshot]) => this.#writeServer(topic, snapshot));
  }

  #writeServer(topic: string, snapshot: ServerSnapshot): LiveMessage {
    const written = this.#written.get(snapshot) ?? new Map<string, LiveMessage>();
    this.#written.set(snapshot, written);
    let message = written.get(topic);
    if (message === undefined) {
      const data = JSON.stringify(topicToJson(topic, snapshot));
      // It may be told of under several names, of which this may be the first.
      message = this.#writeUpdate({ topic, data, upTo: snapshot.revision - 1 });
      written.set(topic, message);
    }
    return message;
  }

  #writeOverview(): LiveMessage {
    const { fleet } = this.#parts;
    const { revision } = fleet;
    if (this.#overview?.revision !== revision) {
      const data = writeOverview(fleet);
      const message = this.#writeUpdate({ topic: OVERVIEW, data, upTo: revision });
      this.#overview = { revision, message };
    }
    return this.#overview.message;
  }

  #writeUpdate({ topic, data, upTo }: Update): LiveMessage {
    const timestamp = toIsoTime(this.#parts.clock.nowMs());
    const head = `{"event_type":"metrics_update","server_type":${JSON.stringify(topic)}`;
    const end = `"revision":"${writeCursor(upTo)}","timestamp":"${timestamp}"}`;
    return { key: topic, text: `${head},"data":${data},${end}` };
  }

  #writeEvent(kind: string, fields: object): string {
    const timestamp = toIsoTime(this.#parts.clock.nowMs());
    return JSON.stringify({ event_type: kind, ...fields, timestamp });
  }
}

interface Update {
  readonly topic: string;
  /** JSON. */
  readonly data: string;
  readonly upTo: number;
}

const WELCOME = 'Connected to metrics stream';

function wishToJson(wish: Wish): object {
  return { servers: wish === undefined ? null : [...wish.topics] };
}
