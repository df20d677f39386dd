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
import { toDroverError } from '#kernel/errors.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { LiveAudience } from '#surfaces/edge/live-audience.ts';
import type { LiveClient, LiveSocket } from '#surfaces/edge/live-client.ts';
import { jobToJson } from '#surfaces/migration/jobs/job-to-json.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { countsToJson } from '#surfaces/migration/status/job-counts.ts';
import { LiveChanges, type LiveChange } from './live-changes.ts';
import { scheduleEventToJson } from './schedule-event-to-json.ts';

const LOOK_MS = SECOND_MS / 2;
const STATUS_MS = 2 * SECOND_MS;
const PING_MS = 54 * SECOND_MS;
const NEWEST_JOBS = 100;
const INTERNAL = 1011;

export type LiveFeedParts = Pick<
  MigrationParts,
  'jobs' | 'runner' | 'events' | 'clock' | 'log' | 'maxSockets'
>;

export class LiveFeed {
  readonly #parts: LiveFeedParts;
  readonly #audience: LiveAudience;
  readonly #reads = new SerialQueue();
  readonly #under = { look: false, status: false };
  #nextFirst: Promise<readonly string[]> | undefined;
  #timers: readonly Timer[] = [];
  #changes: LiveChanges;
  #isFailing = false;

  constructor(parts: LiveFeedParts) {
    this.#parts = parts;
    this.#changes = new LiveChanges(parts);
    const { clock, maxSockets } = parts;
    const onLeave = () => {
      if (this.#audience.size === 0) this.#stop();
    };
    this.#audience = new LiveAudience({ clock, maxSockets, onLeave });
  }

  /** To be asked while it can still be an answer of HTTP. */
  assertRoom(): void {
    this.#audience.assertRoom();
  }

  /** Until it closes. */
  join(socket: LiveSocket): void {
    const client = this.#audience.admit(socket);
    if (client === undefined) return;
    if (this.#audience.size === 1) this.#start();
    void this.#begin(client);
  }

  /** The server is going down. */
  end(): void {
    this.#stop();
    this.#audience.end();
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
    return [this.#write('jobs', { jobs: jobs.map(jobToJson) }), await this.#writeStatus()];
  }

  #start(): void {
    const { clock } = this.#parts;
    this.#changes = new LiveChanges(this.#parts);
    this.#timers = [
      clock.every(LOOK_MS, () => void this.#once('look', () => this.#look())),
      clock.every(STATUS_MS, () => void this.#once('status', () => this.#tellStatus())),
      clock.every(PING_MS, () => this.#audience.ping()),
    ];
    void this.#once('look', () => this.#look());
  }

  #stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  /** A look that takes longer than the time to the next one stands for it. */
  async #once(what: 'look' | 'status', work: () => Promise<void>): Promise<void> {
    if (what === 'look') this.#audience.look();
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
      this.#audience.tell(change.job.id, this.#write('job_update', jobToJson(change.job)));
      return;
    }
    const { id, event } = change.recorded;
    this.#audience.tell(`event ${id}`, this.#write('schedule_event', scheduleEventToJson(event)));
  }

  async #tellStatus(): Promise<void> {
    this.#audience.tell('status', await this.#writeStatus());
  }

  async #writeStatus(): Promise<string> {
    const { jobs, runner } = this.#parts;
    const { slots, active } = runner.stats();
    const counts = countsToJson(await jobs.counts());
    return this.#write('status', { ...counts, worker_count: slots, active_workers: active });
  }

  #write(type: string, data: object): string {
    const timestamp = toIsoTime(this.#parts.clock.nowMs());
    return JSON.stringify({ type, timestamp, data });
  }
}
