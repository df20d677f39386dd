/**
 * What the collections of a Qdrant hold. Each has to be asked by itself, so that of many only some
 * are in each poll, those first whose answer is the oldest.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { amountOf, objectOf, sumOf } from './answer-values.ts';
import type { SourceClient } from './source-client.ts';

const IN_A_POLL = 16;
const AT_ONCE = 3;
const DEADLINE_MS = 4 * SECOND_MS;
/** Of more than these nobody counts the points. */
const MOST_COLLECTIONS = 2000;

interface Known {
  /** Undefined: it could not be asked, or does not tell. */
  readonly points: number | undefined;
  readonly isBroken: boolean;
  readonly isSilent: boolean;
  readonly askedMs: number;
}

export class QdrantCollections {
  readonly #client: SourceClient;
  readonly #clock: Clock;
  #known = new Map<string, Known>();
  #count = 0;

  constructor(client: SourceClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Of all; undefined while any is unknown. */
  get points(): number | undefined {
    if (this.#known.size < this.#count) return undefined;
    return sumOf(Array.from(this.#known.values(), ({ points }) => points));
  }

  /** How many were asked the last time and did not answer. */
  get failed(): number {
    return this.#known.values().reduce((sum, { isSilent }) => sum + (isSilent ? 1 : 0), 0);
  }

  /** Whether one says of itself that it does not work. */
  get isAnyBroken(): boolean {
    return this.#known.values().some(({ isBroken }) => isBroken);
  }

  /** There are these now. */
  async renew(names: readonly string[], signal: AbortSignal): Promise<void> {
    this.#count = names.length;
    const wanted = new Set(names.slice(0, MOST_COLLECTIONS));
    for (const name of this.#known.keys()) if (!wanted.has(name)) this.#known.delete(name);
    const askedMs = (name: string) => this.#known.get(name)?.askedMs ?? -Infinity;
    const next = [...wanted]
      .toSorted((a, b) => (askedMs(a) < askedMs(b) ? -1 : askedMs(a) > askedMs(b) ? 1 : 0))
      .slice(0, IN_A_POLL)
      .values();
    using deadline = openDeadline(this.#clock, DEADLINE_MS, 'asking collections', signal);
    const work = async () => {
      for (const name of next) this.#known.set(name, await this.#ask(name, deadline.signal));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    signal.throwIfAborted();
  }

  async #ask(name: string, signal: AbortSignal): Promise<Known> {
    const askedMs = this.#clock.monotonicMs();
    try {
      const path = `/collections/${encodeURIComponent(name)}`;
      const { result } = objectOf(await this.#client.json({ path }, signal));
      const { status, points_count: points } = objectOf(result);
      return { points: amountOf(points), isBroken: status === 'red', isSilent: false, askedMs };
    } catch {
      return { points: undefined, isBroken: false, isSilent: true, askedMs };
    }
  }
}
