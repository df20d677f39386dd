/** One GET of a disk's bytes: what the answer's head says is checked before its body is touched. */
import type { IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { answerTo } from '#kernel/answer-to.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HttpPlace } from '#transfers/disk-feed.ts';
import { GatheredBody } from './gathered-body.ts';
import type { PlaceConnections } from './place-connections.ts';
import { ReusedRead } from './reused-read.ts';

const PEER = 'the source';

export interface GetOptions {
  readonly connections: PlaceConnections;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** It is long, and all that ever comes over its connection. */
  readonly isOnly?: boolean;
}

/** The head of the answer; whoever gets it reads or destroys the body. */
export async function getPlace(place: HttpPlace, options: GetOptions): Promise<IncomingMessage> {
  const { connections, headers, signal, isOnly = false } = options;
  const read = isOnly ? new ReusedRead() : undefined;
  signal.throwIfAborted();
  const url = new URL(place.url);
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    agent: connections.agent,
    headers: { ...place.headers, ...headers },
    signal,
    timeout: connections.idleTimeoutMs,
    ...(read && { onread: read.onread }),
  });
  request.once('socket', (socket) => read?.useSocket(socket));
  request.once('response', (answer) => read?.useAnswer(answer));
  request.once('timeout', () => request.destroy(stalled()));
  try {
    return await answerTo(request);
  } catch (thrown) {
    // Whose it is: a disk comes from the host of its VM, which nobody named.
    throw explain(thrown, signal, `${url.host}: `);
  }
}

/**
 * The body, in pieces of 256 KiB but for the last, each valid until the next is asked for. It
 * comes in the 16 KiB of TLS, and a turn of all that works on it for each of those would cost more
 * than the work. Cut off is not ended: a body that breaks off throws.
 */
export async function* readBody(
  answer: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    using gathered = new GatheredBody(answer);
    for (;;) {
      const piece = await gathered.next();
      if (piece === undefined) return;
      yield piece;
    }
  } catch (thrown) {
    throw explain(thrown, signal);
  } finally {
    answer.destroy();
  }
}

export function refuseStatus(answer: IncomingMessage, what: string): DroverError {
  answer.destroy();
  const status = answer.statusCode ?? 0;
  const context = { context: { status } };
  if (status === 401 || status === 403) {
    // The session or the lease has ended; another attempt opens a new one.
    return new DroverError('unavailable', `${PEER} no longer lets us read ${what} (${status})`, {
      reason: 'SOURCE_SESSION_LOST',
      ...context,
    });
  }
  if (status === 404 || status === 410) {
    return new DroverError('not_found', `${PEER} has no ${what} any more (${status})`, context);
  }
  const isTemporary = status === 429 || status >= 500;
  const kind = isTemporary ? 'unavailable' : 'failed_precondition';
  return new DroverError(kind, `${PEER} answered ${status} for ${what}`, context);
}

function explain(thrown: unknown, signal: AbortSignal, where = ''): unknown {
  if (signal.aborted) return signal.reason;
  if (thrown instanceof DroverError) return thrown;
  return new DroverError('unavailable', `${where}${connectionFailureToText(thrown, PEER)}`, {
    reason: 'SOURCE_CONNECTION_LOST',
    cause: thrown,
  });
}

function stalled(): DroverError {
  return new DroverError('unavailable', `${PEER} stopped sending`, { reason: 'SOURCE_STALLED' });
}
