/**
 * Makes the machines of one host what they are meant to be. It takes no input: a wake only says
 * "look again"; what to do is read from the store. So the first look after a crash is the same
 * as any other, and a lost wake costs at most one interval.
 */
import type { EventLog } from '#events/event-log.ts';
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Timer } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { HostId, MachineId } from '#kernel/ids.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { GuestStats } from './hypervisor.ts';
import { MachineActor, mayHaveGuest, type ActorParts } from './machine-actor.ts';
import { isLive } from './machine.ts';

const SCAN_MS = SECOND_MS;
const PRUNE_MS = 10 * MINUTE_MS;
const SCAN_LIMIT = 1000;
const TAKE_UP_PAGE = 200;
const TAKE_UP_AT_ONCE = 8;
/** A machine that cannot be found again in this time is looked for while others work already. */
const TAKE_UP_MS = 5 * SECOND_MS;
const SWEEP_MS = 10 * SECOND_MS;
const STATS_MS = 2 * SECOND_MS;
const DRAIN_MS = 8 * SECOND_MS;
const KEEP_INTENTS_MS = 60 * MINUTE_MS;

export interface ReconcilerOptions extends Omit<ActorParts, 'closing'> {
  readonly hostId: HostId;
  readonly events: EventLog;
  readonly keepEventsMs: number;
}

export class MachineReconciler implements AsyncDisposable {
  readonly #options: ReconcilerOptions;
  readonly #closing = new AbortController();
  readonly #actors = new Map<MachineId, MachineActor>();
  readonly #timers: Timer[] = [];
  #scanning: Promise<void> | undefined;
  #isWokenAgain = false;
  #isStarted = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Finds every machine of this host again, then begins to act on intents. */
  async start(): Promise<void> {
    const { clock } = this.#options;
    const lost = await this.#machinesToTakeUp();
    await this.#within(TAKE_UP_MS, 'finding every machine again', () => this.#takeUpAll(lost));
    await this.#within(SWEEP_MS, 'removing leftovers', (until) => this.#sweep(until));
    this.#timers.push(clock.every(SCAN_MS, () => this.#tick()));
    this.#timers.push(clock.every(PRUNE_MS, () => void this.#prune()));
    this.#isStarted = true;
    this.wake();
  }

  wake(): void {
    if (!this.#isStarted || this.#closing.signal.aborted) return;
    if (this.#scanning !== undefined) {
      this.#isWokenAgain = true;
      return;
    }
    this.#scanning = this.#scanUntilQuiet().finally(() => {
      this.#scanning = undefined;
    });
  }

  /** Undefined when the machine does not run here. Never waits for a command in progress. */
  async stats(id: MachineId, signal: AbortSignal): Promise<GuestStats | undefined> {
    const { clock, log } = this.#options;
    const actor = this.#actors.get(id);
    if (actor === undefined) return undefined;
    using deadline = openDeadline(clock, STATS_MS, 'measuring the VM', signal);
    try {
      return await untilAborted(actor.stats(deadline.signal), deadline.signal);
    } catch (thrown) {
      signal.throwIfAborted();
      // It may have ended just now; whatever else is known of the machine can still be told.
      log.debug({ machineId: id, error: toDroverError(thrown) }, 'a guest could not be measured');
      return undefined;
    }
  }

  /** Lets go of every machine; they run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the process is closing'));
    for (const timer of this.#timers) timer.cancel();
    await this.#within(DRAIN_MS, 'letting go of the machines', async () => {
      await this.#scanning;
      await Promise.all([...this.#actors.values()].map((actor) => actor.letGo()));
    });
  }

  /** What takes longer, or fails, is logged and goes on by itself. */
  async #within(
    ms: number,
    what: string,
    work: (until: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { clock, log } = this.#options;
    using deadline = openDeadline(clock, ms, what);
    try {
      await untilAborted(work(deadline.signal), deadline.signal);
    } catch (thrown) {
      log.error({ error: toDroverError(thrown) }, `${what} did not succeed in time`);
    }
  }

  async #scanUntilQuiet(): Promise<void> {
    do {
      this.#isWokenAgain = false;
      try {
        await this.#scan();
      } catch (thrown) {
        const error = toDroverError(thrown);
        this.#options.log.error({ error }, 'could not read the intents; looking again soon');
      }
    } while (this.#isWokenAgain && !this.#closing.signal.aborted);
  }

  async #scan(): Promise<void> {
    const { store, hostId } = this.#options;
    // Those in hand stay in front of the list until they end, and must not hide what is new.
    let inHand = 0;
    for (const actor of this.#actors.values()) inHand += actor.offeredCount;
    for (const intent of await store.pendingIntents(hostId, SCAN_LIMIT + inHand)) {
      this.#actor(intent.machineId).offer(intent);
    }
  }

  #tick(): void {
    for (const [id, actor] of this.#actors) if (actor.isIdle) this.#actors.delete(id);
    this.wake();
  }

  #actor(id: MachineId): MachineActor {
    const known = this.#actors.get(id);
    if (known !== undefined) return known;
    const actor = new MachineActor({ ...this.#options, closing: this.#closing.signal }, id);
    this.#actors.set(id, actor);
    return actor;
  }

  async #machinesToTakeUp(): Promise<readonly MachineId[]> {
    const { store, hostId, capacity, roster } = this.#options;
    const ids: MachineId[] = [];
    let afterId = '';
    for (;;) {
      const page = await store.listByHost(hostId, afterId, TAKE_UP_PAGE);
      const last = page.at(-1);
      if (last === undefined) return ids;
      afterId = last.id;
      for (const machine of page) {
        roster?.load(machine);
        if (mayHaveGuest(machine)) ids.push(machine.id);
        // Counted before it is found: what it holds must not be given to another meanwhile.
        if (isLive(machine.state)) capacity.adopt(machine.id, machine.spec);
      }
    }
  }

  async #takeUpAll(ids: readonly MachineId[]): Promise<void> {
    const waiting = ids.values();
    const takeUpRest = async () => {
      for (const id of waiting) await this.#actor(id).takeUp();
    };
    await Promise.all(Array.from({ length: TAKE_UP_AT_ONCE }, takeUpRest));
  }

  /** What a crash in the middle of a deletion left on the host, with no row to tell of it. */
  async #sweep(until: AbortSignal): Promise<void> {
    const { store, hypervisor, network, log } = this.#options;
    const known: MachineId[] = [];
    for (const id of await hypervisor.leftovers(until)) {
      if ((await store.get(id)) !== undefined) known.push(id);
      else await this.#discard(id, until);
    }
    until.throwIfAborted();
    const taps = await network.sweep(known, until);
    if (taps.length > 0) log.warn({ taps }, 'removed network devices that belonged to nobody');
  }

  async #discard(id: MachineId, until: AbortSignal): Promise<void> {
    const { hypervisor, log } = this.#options;
    until.throwIfAborted();
    log.warn({ machineId: id }, 'removing what is left of a machine that does not exist');
    try {
      await using guest = await hypervisor.adopt(id, undefined, until);
      await guest?.kill(until);
      await hypervisor.discard(id, until);
    } catch (thrown) {
      log.error({ machineId: id, error: toDroverError(thrown) }, 'a leftover stays behind');
    }
  }

  async #prune(): Promise<void> {
    const { store, events, clock, keepEventsMs, log } = this.#options;
    try {
      const now = clock.nowMs();
      await store.pruneIntents(now - KEEP_INTENTS_MS, SCAN_LIMIT);
      await events.prune(now - keepEventsMs, 10 * SCAN_LIMIT);
    } catch (thrown) {
      log.warn({ error: toDroverError(thrown) }, 'old intents and events were not pruned');
    }
  }
}
