/**
 * A stream of the server that outlives its connections: when one is lost the next is opened where
 * the last message left off, after a pause that doubles. The first connection must come about by
 * itself: a server that was never there is an error, not a wait.
 */
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { callError } from './api-client.ts';
import { isConnectionTrouble } from './api-error.ts';

export interface ResumedStreamOptions<Message, Position> {
  readonly start: Position;
  open(position: Position, signal: AbortSignal): AsyncIterable<Message>;
  /** Where to go on after this message. */
  positionAfter(message: Message): Position;
  /** Whether the server ending the stream means that there is no more, or that it restarts. */
  readonly endsItself: boolean;
  readonly url: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onTrouble(message: string): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10 * SECOND_MS;

export async function* resumeStream<Message, Position>(
  options: ResumedStreamOptions<Message, Position>,
): AsyncGenerator<Message, Position> {
  const { clock, signal, url } = options;
  let position = options.start;
  let isEstablished = false;
  let attempt = 0;
  for (;;) {
    let trouble = 'the server ended the stream';
    try {
      for await (const message of options.open(position, signal)) {
        isEstablished = true;
        attempt = 0;
        position = options.positionAfter(message);
        yield message;
      }
      signal.throwIfAborted();
      if (options.endsItself) return position;
    } catch (thrown) {
      const error = callError(thrown, { url, signal });
      const mayRetry = isEstablished || error.reason !== 'SERVER_UNREACHABLE';
      if (!isConnectionTrouble(error) || !mayRetry) throw error;
      trouble = error.message;
    }
    const pauseMs = backoffMs(attempt, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    attempt += 1;
    isEstablished = true;
    options.onTrouble(`${trouble}; trying again in ${pauseMs / SECOND_MS} s`);
    await clock.sleep(pauseMs, signal);
  }
}
