/** From a limit as it was asked for to the token bucket of `tc … tbf` that keeps it. */
import type { RateLimit } from '#machines/machine-spec.ts';

export interface TokenBucket {
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
  /** How much may wait before the newest is dropped. */
  readonly queueBytes: number;
}

/** A full frame with room for a VLAN tag. tbf cuts a larger packet up; a smaller bucket is dead. */
const MIN_BURST_BYTES = 2048;
/** The kernel refills a bucket at its timer ticks, 100 to 1000 a second. */
const TICK_MS = 10;
/** One packet as a guest with segmentation offload sends it. */
const LARGEST_PACKET_BYTES = 65_536;
const QUEUE_MS = 100;
/** tc counts bursts and queues in 32 bits, and a burst's time at the rate in 64 ns steps. */
const MOST_BYTES = 2 ** 32 - 1;
const MOST_BURST_SECONDS = 250;

export function tokenBucketOf(limit: RateLimit): TokenBucket {
  const bytesPerSecond = Math.max(
    Math.ceil(limit.bytesPerSecond),
    Math.ceil(MIN_BURST_BYTES / MOST_BURST_SECONDS),
  );
  // A bucket smaller than what flows in between two refills would never let the rate through.
  const perRefill = Math.ceil((bytesPerSecond * Math.max(limit.refillMs, TICK_MS)) / 1000);
  const burstBytes = Math.min(
    Math.max(limit.burstBytes, perRefill, MIN_BURST_BYTES),
    Math.floor(bytesPerSecond * MOST_BURST_SECONDS),
    MOST_BYTES,
  );
  const perQueue = Math.ceil((bytesPerSecond * QUEUE_MS) / 1000);
  const queueBytes = Math.min(
    burstBytes + Math.max(perQueue, 2 * LARGEST_PACKET_BYTES),
    MOST_BYTES,
  );
  return { bytesPerSecond, burstBytes, queueBytes };
}

/** In tc's words `bps` is bytes, not bits. */
export function tokenBucketArgs(bucket: TokenBucket): string {
  const { bytesPerSecond, burstBytes, queueBytes } = bucket;
  return `tbf rate ${bytesPerSecond}bps burst ${burstBytes}b limit ${queueBytes}b`;
}
