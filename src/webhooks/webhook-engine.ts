/**
 * Runs a loop for each subscription whose lease this process holds. Every second it looks whether
 * subscriptions have changed, in whatever process; leases are renewed well before they end, and a
 * process that dies leaves its subscriptions to the others when they do.
 */
import type { EventSignal } from '#events/event-signal.ts';
import { openDeadline } from '#kernel/abort.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { DeliveryJournal } from './delivery-journal.ts';
import type { WebhookDirectory } from './webhook-directory.ts';
import { WebhookLoop, type LoopParts } from './webhook-loop.ts';
import { openSecrets, type WebhookSecrets } from './webhook-secrets.ts';
import type { ProgressReport, WebhookStore } from './webhook-store.ts';
import type { Webhook, WebhookId } from './webhook.ts';

const LOOK_MS = SECOND_MS;
const LEASE_MS = 30 * SECOND_MS;
const RENEW_MS = 10 * SECOND_MS;
/** However fast events come, the loops are woken no more often than this. */
const WAKE_MS = 20;
/** An attempt under way may end by itself for so long when Drover stops. */
const GRACE_MS = 2 * SECOND_MS;
const CUT_OFF_MS = SECOND_MS / 2;
const WOKEN_AT_ONCE = 32;
const PRUNE_MS = 5 * MINUTE_MS;
/** A little longer than a sample is tried to be delivered. */
const KEEP_SAMPLES_MS = 26 * HOUR_MS;
const PRUNE_BATCH = 500;
const PRUNE_PAUSE_MS = 20;
const TRIM_MS = MINUTE_MS;
const DELIVERIES_KEPT = 1000;
const KEEP_DELIVERIES_MS = 7 * 24 * HOUR_MS;

export interface EngineParts extends Omit<LoopParts, 'journal'> {
  readonly store: WebhookStore;
  readonly directory: WebhookDirectory;
  readonly eventSignal: EventSignal;
  readonly secretBox: SecretBox;
  /** Names this process among those that share the database, and stays over a restart. */
  readonly holder: string;
}

export class WebhookEngine implements AsyncDisposable {
  readonly #parts: EngineParts;
  readonly #journal: DeliveryJournal;
  readonly #loops = new Map<WebhookId, WebhookLoop>();
  readonly #steps = new SerialQueue();
  readonly #stop = new AbortController();
  #held: ReadonlySet<WebhookId> = new Set();
  #renewAt = -Infinity;
  #pruneAt = -Infinity;
  #trimAt = -Infinity;
  #isWanted = false;
  #knownEventId = -1;
  #running: Promise<unknown> = Promise.resolve();
  /** Rows written about each subscription since its log was last cut to size. */
  readonly #written = new Map<WebhookId, number>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { store, holder, clock, log } = parts;
    this.#journal = new DeliveryJournal({
      ...{ store, holder, clock, log },
      onLost: (ids) => this.#onLost(ids),
      // The look that each second takes would find it too.
      onDisabled: () => void this.refresh().catch(() => undefined),
      onWritten: (reports) => this.#trimBusy(reports),
    });
  }

  get loops(): ReadonlyMap<WebhookId, WebhookLoop> {
    return this.#loops;
  }

  /** Resolves when all subscriptions are known and those that are ours are under way. */
  async start(): Promise<void> {
    await this.refresh();
    this.#running = Promise.all([this.#keepLooking(), this.#keepWaking()]);
  }

  /** Takes in what has changed, at once. */
  async refresh(): Promise<void> {
    await this.#steps.run(() => this.#step());
  }

  /** Writes down what the loops have done so far. */
  async flush(): Promise<void> {
    await this.#journal.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, store, holder, log } = this.#parts;
    this.#stop.abort();
    this.#journal.close();
    using grace = openDeadline(clock, GRACE_MS, 'the last attempt');
    const stopping = [...this.#loops.values()].map((loop) => loop.stop(grace.signal));
    try {
      await Promise.all([...stopping, this.#running, this.#steps.idle()]);
      await this.#journal[Symbol.asyncDispose]();
      if (this.#held.size > 0) await store.release(holder);
    } catch (error) {
      log.warn({ error: toDroverError(error) }, 'the last progress of webhooks was not written');
    }
  }

  async #keepLooking(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // The stop is the only thing that ends it early, and is asked for next.
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.refresh();
        await this.#prune();
        await this.#trim();
      } catch (thrown) {
        const error = toDroverError(thrown);
        log.warn({ error }, 'the subscriptions could not be looked at; trying again');
      }
    }
  }

  /** Events written by other processes are found by the look that each second takes. */
  async #keepWaking(): Promise<void> {
    const { clock, eventSignal, events } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const news = eventSignal.next();
      if (this.#loops.size > 0) {
        // A database that does not answer is told of by whoever needs its answer.
        const lastId = await events.lastId().catch(() => this.#knownEventId);
        if (lastId !== this.#knownEventId) await this.#wakeLoops(lastId);
        this.#knownEventId = lastId;
      }
      const polling = new AbortController();
      const ended = AbortSignal.any([signal, polling.signal]);
      await Promise.race([news, clock.sleep(LOOK_MS, ended).catch(() => undefined)]);
      polling.abort();
      // Only the stop ends this one early, and the loop asks for it.
      await clock.sleep(WAKE_MS, signal).catch(() => undefined);
    }
  }

  /** Each reads the log right away, so a crowd is woken in groups with others' turns in between. */
  async #wakeLoops(lastId: number): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    for (const [at, loop] of [...this.#loops.values()].entries()) {
      if (at > 0 && at % WOKEN_AT_ONCE === 0) await clock.sleep(1, signal).catch(() => undefined);
      loop.wake(lastId);
    }
  }

  async #step(): Promise<void> {
    try {
      await this.#fit();
    } catch (thrown) {
      // The change was seen and not carried out: the next look must not pass it over.
      this.#renewAt = -Infinity;
      throw thrown;
    }
  }

  async #fit(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { directory, clock, store, holder } = this.#parts;
    const isChanged = await directory.refresh();
    const { webhooks } = directory;
    const wasWanted = this.#isWanted;
    this.#isWanted = [...webhooks.values()].some(({ isEnabled }) => isEnabled);
    if (isChanged || (this.#isWanted && clock.monotonicMs() >= this.#renewAt)) {
      if (this.#isWanted || wasWanted) {
        // Positions that nobody was in a hurry to write go along with the lease.
        await this.#journal.flush();
        const nowMs = clock.nowMs();
        this.#held = await store.lease({
          holder,
          nowMs,
          forMs: LEASE_MS,
          formats: directory.formats,
        });
        this.#renewAt = clock.monotonicMs() + RENEW_MS;
      }
      await this.#fitLoops();
    }
  }

  async #fitLoops(): Promise<void> {
    const { webhooks } = this.#parts.directory;
    const ending = [...this.#loops].flatMap(([id, loop]) => {
      const webhook = webhooks.get(id);
      const isOurs = webhook?.isEnabled === true && this.#held.has(id);
      const isSame = isOurs && webhook.updatedAt === loop.webhook.updatedAt;
      return isSame ? [] : [this.#endLoop(loop, webhook === undefined)];
    });
    await Promise.all(ending);
    for (const id of this.#held) {
      const webhook = webhooks.get(id);
      if (webhook?.isEnabled === true && !this.#loops.has(id)) await this.#startLoop(id);
    }
  }

  async #endLoop(loop: WebhookLoop, isRemoved: boolean): Promise<void> {
    const { id } = loop.webhook;
    // Whoever changed it waits for this. An attempt that is cut short is made again.
    using cutOff = openDeadline(this.#parts.clock, isRemoved ? 0 : CUT_OFF_MS, 'the attempt');
    const ended = loop.stop(cutOff.signal);
    this.#loops.delete(id);
    if (isRemoved) this.#journal.drop(id);
    await ended;
  }

  async #startLoop(id: WebhookId): Promise<void> {
    const { store, directory } = this.#parts;
    await this.#journal.flush();
    // Not as the directory has it: the position may have moved since.
    const webhook = await store.find(id);
    if (webhook?.isEnabled !== true) return;
    const format = directory.formatOf(webhook);
    if (format === undefined) return;
    const secrets = await this.#openSecrets(webhook);
    if (secrets === undefined) return;
    const pending = await store.listPending(id);
    const subject = { webhook, format, secrets, pending };
    const loop = new WebhookLoop({ ...this.#parts, journal: this.#journal }, subject);
    this.#loops.set(id, loop);
    loop.start();
  }

  /** A subscription whose secrets cannot be read is switched off: it is never served unsigned. */
  async #openSecrets(webhook: Webhook): Promise<WebhookSecrets | undefined> {
    const { store, secretBox, clock, log } = this.#parts;
    try {
      return openSecrets(secretBox, webhook);
    } catch (thrown) {
      if (!(thrown instanceof DroverError)) throw thrown;
      log.error({ error: thrown, webhook: webhook.id }, 'a webhook was disabled');
      const changes = { isEnabled: false, disabledReason: thrown.message };
      await store.change(webhook.id, changes, clock.nowMs());
      return undefined;
    }
  }

  #onLost(ids: ReadonlySet<WebhookId>): void {
    this.#held = this.#held.difference(ids);
    this.#parts.log.warn({ webhooks: [...ids] }, 'another process delivers these webhooks now');
    void this.#steps.run(() => this.#fitLoops());
  }

  async #prune(): Promise<void> {
    const { clock, events } = this.#parts;
    if (clock.monotonicMs() < this.#pruneAt) return;
    this.#pruneAt = clock.monotonicMs() + PRUNE_MS;
    const olderThan = clock.nowMs() - KEEP_SAMPLES_MS;
    const { signal } = this.#stop;
    while ((await events.pruneKind('metrics.sampled', olderThan, PRUNE_BATCH)) === PRUNE_BATCH) {
      // Others get their turn with the database; only the stop ends the pause early.
      await clock.sleep(PRUNE_PAUSE_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  async #trim(): Promise<void> {
    const { clock } = this.#parts;
    if (clock.monotonicMs() < this.#trimAt) return;
    this.#trimAt = clock.monotonicMs() + TRIM_MS;
    for (const id of this.#loops.keys()) {
      if (this.#stop.signal.aborted) return;
      await this.#trimOne(id);
    }
  }

  /** Thousands of deliveries a second must not wait for the next minute to be cut to size. */
  async #trimBusy(reports: readonly ProgressReport[]): Promise<void> {
    for (const { webhookId, deliveries } of reports) {
      const written = (this.#written.get(webhookId) ?? 0) + deliveries.length;
      this.#written.set(webhookId, written);
      if (written >= DELIVERIES_KEPT) await this.#trimOne(webhookId);
    }
  }

  async #trimOne(id: WebhookId): Promise<void> {
    const { clock, store } = this.#parts;
    const olderThan = clock.nowMs() - KEEP_DELIVERIES_MS;
    this.#written.delete(id);
    await store.trimDeliveries(id, { olderThan, most: DELIVERIES_KEPT });
  }
}
