/**
 * How full the disks of virtual machines are, which only the agents within them can say. They are
 * asked beside the polls, some at a time, and by connections of their own: one that hangs holds
 * nobody up.
 *
 *   due → asked → answered: again after AGAIN_MS
 *               → refused, silent, no agent: nothing is known, again after WITHOUT_AGENT_MS
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { amountOf, listOf, objectOf, sumOf, textOf } from './answer-values.ts';
import type { ProxmoxClient } from './proxmox-client.ts';

const AGAIN_MS = MINUTE_MS;
const WITHOUT_AGENT_MS = 10 * MINUTE_MS;
const DEADLINE_MS = 5 * SECOND_MS;
const AT_ONCE = 3;
/** Then the next poll looks which guests there are. */
const MOST_IN_A_ROUND = 100;
/** Of media and of images that a guest has mounted: always full. */
const NO_DISK = /^(?:squashfs|iso9660|udf|cdfs|erofs)$/i;

export interface AgentGuest {
  readonly node: string;
  readonly id: string;
}

export interface GuestDisks {
  readonly usedBytes: number | undefined;
  readonly totalBytes: number | undefined;
}

interface Kept {
  disks: GuestDisks | undefined;
  dueMs: number;
}

export class ProxmoxGuestDisks implements AsyncDisposable {
  readonly #client: ProxmoxClient;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #stopping = new AbortController();
  #round: Promise<unknown> | undefined;

  /** The client is the caller's to close. */
  constructor(client: ProxmoxClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  disksOf(guest: AgentGuest): GuestDisks | undefined {
    return this.#kept.get(keyOf(guest))?.disks;
  }

  /** These run now. Begins to ask those whose turn it is, and forgets all others. */
  follow(guests: readonly AgentGuest[]): void {
    const running = new Set(guests.map(keyOf));
    for (const key of this.#kept.keys()) if (!running.has(key)) this.#kept.delete(key);
    if (this.#round !== undefined || this.#stopping.signal.aborted) return;
    const nowMs = this.#clock.monotonicMs();
    const due = guests
      .map((guest) => ({ guest, dueMs: this.#kept.get(keyOf(guest))?.dueMs ?? -Infinity }))
      .filter(({ dueMs }) => dueMs <= nowMs)
      .toSorted((a, b) => (a.dueMs < b.dueMs ? -1 : a.dueMs > b.dueMs ? 1 : 0))
      .slice(0, MOST_IN_A_ROUND)
      .map(({ guest }) => guest);
    if (due.length === 0) return;
    const next = due.values();
    const workers = Array.from({ length: Math.min(AT_ONCE, due.length) }, () => this.#work(next));
    this.#round = Promise.all(workers).finally(() => {
      this.#round = undefined;
    });
  }

  /** Resolves when nobody is being asked. */
  async settled(): Promise<void> {
    await this.#round;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#round;
  }

  async #work(guests: Iterator<AgentGuest>): Promise<void> {
    for (let next = guests.next(); next.done !== true; next = guests.next()) {
      if (this.#stopping.signal.aborted) return;
      const disks = await this.#ask(next.value);
      const waitMs = disks === undefined ? WITHOUT_AGENT_MS : AGAIN_MS;
      this.#kept.set(keyOf(next.value), { disks, dueMs: this.#clock.monotonicMs() + waitMs });
    }
  }

  async #ask({ node, id }: AgentGuest): Promise<GuestDisks | undefined> {
    const { signal: stopped } = this.#stopping;
    using deadline = openDeadline(this.#clock, DEADLINE_MS, 'asking a guest agent', stopped);
    try {
      const path = `/nodes/${encodeURIComponent(node)}/qemu/${encodeURIComponent(id)}`;
      return fsinfoToDisks(await this.#client.get(`${path}/agent/get-fsinfo`, deadline.signal));
    } catch {
      // Most guests without an agent are without one on purpose: that is nothing to tell.
      return undefined;
    }
  }
}

/** Undefined when it names no file system whose size is told. */
function fsinfoToDisks(data: unknown): GuestDisks | undefined {
  // What is mounted at several places has one name.
  const byName = new Map(
    listOf(objectOf(data)['result'])
      .map(objectOf)
      .filter((each) => !NO_DISK.test(textOf(each['type']) ?? ''))
      .map((each) => [textOf(each['name']) ?? textOf(each['mountpoint']) ?? '', each]),
  );
  const sized = [...byName.values()].filter((each) => amountOf(each['used-bytes']) !== undefined);
  if (sized.length === 0) return undefined;
  return {
    usedBytes: sumOf(sized.map((each) => amountOf(each['used-bytes']))),
    totalBytes: sumOf(sized.map((each) => amountOf(each['total-bytes']))),
  };
}

function keyOf({ node, id }: AgentGuest): string {
  return `${node}/${id}`;
}
