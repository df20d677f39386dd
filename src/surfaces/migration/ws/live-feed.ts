/**
 * What is told to all who follow: how many jobs there are, each job that changes, and what the
 * schedules do.
 *
 *   nobody ── join ──▶ running ── the last one leaves ──▶ nobody
 *                         └────────── end ──────────▶ over
 *
 * What always holds:
 * - Nothing is asked of the database and no timer runs while nobody follows.
 * - One look serves all, and each message is written out once, however many follow.
 * - The first messages of a client are read after it has joined, so that it misses nothing between
 *   them and what follows. Who joins at the same time shares them.
 * - First messages and looks are read one after the other: what a look starts from is known before
 *   the first client is told anything.
 */
import { toIsoTime, type Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { jobToJson } from '#surfaces/migration/jobs/job-to-json.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { countsToJson } from '#surfaces/migration/status/job-counts.ts';
import { LiveChanges, type LiveChange } from './live-changes.ts';
import { LiveClient, type LiveSocket } from './live-client.ts';
import { scheduleEventToJson } from './schedule-event-to-json.ts';

const LOOK_MS = SECOND_MS / 2;
const STATUS_MS = 2 * SECOND_MS;
const PING_MS = 54 * SECOND_MS;
const CLOSE_MS = SECOND_MS;
const NEWEST_JOBS = 100;
const GOING_AWAY = 1001;
const INTERNAL = 1011;
const TRY_AGAIN = 1013;

export type LiveFeedParts = Pick<
  MigrationParts,
  'jobs' | 'runner' | 'events' | 'clock' | 'log' | 'maxSockets'
>;

export class LiveFeed {
  readonly #parts: LiveFeedParts;
  readonly #clients = new Set<LiveClient>();
  readonly #reads = new SerialQueue();
  readonly #under = { look: false, status: false };
  #nextFirst: Promise<readonly string[]> | undefined;
  #timers: readonly Timer[] = [];
  #changes: LiveChanges;
  #isFailing = false;

  constructor(parts: LiveFeedParts) {
    this.#parts = parts;
    this.#changes = new LiveChanges(parts);
  }

  /** To be asked while it can still be an answer of HTTP. */
  assertRoom(): void {
    const { maxSockets } = this.#parts;
    if (this.#clients.size < maxSockets) return;
    throw new DroverError(
      'unavailable',
      `${maxSockets} clients follow already, which is the most; try again shortly`,
      { reason: 'TOO_MANY_SOCKETS', metadata: { retry_after_seconds: '5' } },
    );
  }

  /** Until it closes. */
  join(socket: LiveSocket): void {
    const { clock, maxSockets } = this.#parts;
    const client = new LiveClient(socket, () => clock.monotonicMs());
    if (this.#clients.size >= maxSockets) {
      client.close(TRY_AGAIN, 'too many clients follow');
      return;
    }
    this.#clients.add(client);
    socket.on('close', () => this.#leave(client));
    if (this.#clients.size === 1) this.#start();
    void this.#begin(client);
  }

  /** The server is going down: those who do not close by themselves are cut off. */
  end(): void {
    const clients = [...this.#clients];
    this.#stop();
    for (const client of clients) client.close(GOING_AWAY, 'the server is shutting down');
    this.#parts.clock.after(CLOSE_MS, () => {
      for (const client of clients) client.terminate();
    });
  }

  async #begin(client: LiveClient): Promise<void> {
    try {
      this.#nextFirst ??= this.#reads.run(() => {
        this.#nextFirst = undefined;
        return this.#readFirst();
      });
      client.begin(await this.#nextFirst);
    } catch (thrown) {
      this.#parts.log.warn({ error: toDroverError(thrown) }, 'a client could not begin to follow');
      client.close(INTERNAL, 'the jobs cannot be read now');
    }
  }

  async #readFirst(): Promise<readonly string[]> {
    await this.#changes.begin();
    const { jobs } = await this.#parts.jobs.list({
      ...{ sort: 'createdAt', order: 'desc', limit: NEWEST_JOBS },
    });
    return [await this.#writeStatus(), this.#write('jobs', { jobs: jobs.map(jobToJson) })];
  }

  #start(): void {
    const { clock } = this.#parts;
    this.#changes = new LiveChanges(this.#parts);
    this.#timers = [
      clock.every(LOOK_MS, () => void this.#once('look', () => this.#look())),
      clock.every(STATUS_MS, () => void this.#once('status', () => this.#tellStatus())),
      clock.every(PING_MS, () => {
        for (const client of this.#clients) client.ping();
      }),
    ];
    void this.#once('look', () => this.#look());
  }

  #leave(client: LiveClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#stop();
  }

  #stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  /** A look that takes longer than the time to the next one stands for it. */
  async #once(what: 'look' | 'status', work: () => Promise<void>): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (what === 'look') for (const client of this.#clients) client.look(nowMs);
    if (this.#under[what]) return;
    this.#under[what] = true;
    try {
      await work();
      this.#isFailing = false;
    } catch (thrown) {
      const error = toDroverError(thrown);
      if (!this.#isFailing) this.#parts.log.warn({ error }, 'those who follow jobs hear nothing');
      this.#isFailing = true;
    } finally {
      this.#under[what] = false;
    }
  }

  async #look(): Promise<void> {
    await this.#reads.run(async () => {
      for await (const change of this.#changes.look()) this.#tellChange(change);
    });
  }

  #tellChange(change: LiveChange): void {
    if (change.kind === 'job') {
      this.#tell(change.job.id, this.#write('job_update', jobToJson(change.job)));
      return;
    }
    const { id, event } = change.recorded;
    this.#tell(`event ${id}`, this.#write('schedule_event', scheduleEventToJson(event)));
  }

  async #tellStatus(): Promise<void> {
    this.#tell('status', await this.#writeStatus());
  }

  async #writeStatus(): Promise<string> {
    const { jobs, runner } = this.#parts;
    const { slots, active } = runner.stats();
    const counts = countsToJson(await jobs.counts());
    return this.#write('status', { ...counts, worker_count: slots, active_workers: active });
  }

  #tell(key: string, text: string): void {
    for (const client of this.#clients) client.tell(key, text);
  }

  #write(type: string, data: object): string {
    const timestamp = toIsoTime(this.#parts.clock.nowMs());
    return JSON.stringify({ type, timestamp, data });
  }
}
