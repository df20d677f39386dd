/**
 * How much a Qdrant has on disk, as far as its telemetry says: many answer 0 for every segment,
 * which means that they do not know. The answer is long and dear to make, so it is asked for
 * beside the polls: again soon where it told something, else rarely.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { amountOf, listOf, objectOf, sumOf } from './answer-values.ts';
import type { SourceClient } from './source-client.ts';

/** The first level that has segments. */
const PATH = '/telemetry?details_level=4';
const AGAIN_MS = 5 * MINUTE_MS;
const NOT_TOLD_AGAIN_MS = HOUR_MS;
const DEADLINE_MS = 10 * SECOND_MS;

export class QdrantDisk implements AsyncDisposable {
  readonly #client: SourceClient;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #asking: Promise<void> | undefined;
  #dueMs = -Infinity;
  #bytes: number | undefined;

  constructor(client: SourceClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  get bytes(): number | undefined {
    return this.#bytes;
  }

  /** Begins to ask when it is time to; returns at once. */
  renew(): void {
    if (this.#asking !== undefined || this.#clock.monotonicMs() < this.#dueMs) return;
    if (this.#stopping.signal.aborted) return;
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
    });
  }

  /** Resolves when nothing is being asked. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const { signal: stopped } = this.#stopping;
    using deadline = openDeadline(this.#clock, DEADLINE_MS, 'asking for telemetry', stopped);
    try {
      this.#bytes = telemetryToBytes(await this.#client.json({ path: PATH }, deadline.signal));
    } catch {
      this.#bytes = undefined;
    }
    const waitMs = this.#bytes === undefined ? NOT_TOLD_AGAIN_MS : AGAIN_MS;
    this.#dueMs = this.#clock.monotonicMs() + waitMs;
  }
}

/** Of the shards that lie here; undefined unless each segment with points in it is told. */
function telemetryToBytes(answer: unknown): number | undefined {
  const telemetry = objectOf(objectOf(answer)['result']);
  const { collections } = objectOf(telemetry['collections']);
  const segments = listOf(collections)
    .flatMap((collection) => listOf(objectOf(collection)['shards']))
    .flatMap((shard) => listOf(objectOf(objectOf(shard)['local'])['segments']))
    .map((segment) => objectOf(objectOf(segment)['info']));
  if (segments.length === 0) return undefined;
  return sumOf(
    segments.map(({ disk_usage_bytes: disk, num_points: points }) => {
      const bytes = amountOf(disk);
      return bytes === 0 && amountOf(points) !== 0 ? undefined : bytes;
    }),
  );
}
