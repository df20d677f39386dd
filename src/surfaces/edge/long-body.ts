/** A body that may take long to come: never more of it in memory than a few chunks. */
import type { FastifyRequest } from 'fastify';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { liftBodyDeadline } from './body-deadline.ts';
import { HttpRefusal } from './http-errors.ts';

/** How long a body may stand still while somebody waits for more of it. */
export const STALL_MS = 30 * SECOND_MS;

export interface LongBodyOptions {
  readonly clock: Clock;
  readonly maxBytes: number;
  /** What is thrown when there is more. */
  readonly tooLong: () => HttpRefusal;
}

/** Throws when it is too long, or does not go on. The request itself is left open. */
export async function* readLongBody(
  { raw }: FastifyRequest,
  { clock, maxBytes, tooLong }: LongBodyOptions,
): AsyncGenerator<Buffer, void> {
  liftBodyDeadline(raw);
  let isStill = false;
  let isWaiting = true;
  using _watch = clock.every(STALL_MS, () => {
    if (isStill && isWaiting) raw.destroy(bodyStalled());
    isStill = true;
  });
  let bytes = 0;
  // So that a refusal can still be answered.
  const chunks = raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLong();
    isWaiting = false;
    yield chunk;
    isWaiting = true;
    isStill = false;
  }
}

export function bodyStalled(): HttpRefusal {
  const message = 'the request body did not go on; send it faster or in smaller parts';
  return new HttpRefusal(408, message, 'REQUEST_TIMEOUT');
}
