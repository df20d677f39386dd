/** A request of the platform itself to an app: short, and of the answer only the start matters. */
import { untilAborted } from '#kernel/abort.ts';
import type { AnswerHandler, Exchange, FlatHeaders, RequestHead } from './exchange.ts';

export interface ShortAnswer {
  readonly status: number;
  readonly headers: FlatHeaders;
  /** How the body began; the rest is read and dropped. */
  readonly start: Buffer;
}

export type BeginRequest = (
  head: RequestHead,
  body: Uint8Array | undefined,
  handler: AnswerHandler,
) => Exchange;

const KEPT_BYTES = 4096;

/** Rejects with what the pool says when there is no whole answer. */
export async function askWorker(
  begin: BeginRequest,
  head: Omit<RequestHead, 'hasBody'>,
  body: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<ShortAnswer> {
  const answered = Promise.withResolvers<ShortAnswer>();
  let status = 0;
  let headers: FlatHeaders = [];
  let start = Buffer.alloc(0);
  const keep = (bytes: Uint8Array) => {
    if (start.length >= KEPT_BYTES) return;
    start = Buffer.concat([start, bytes.subarray(0, KEPT_BYTES - start.length)]);
  };
  const exchange = begin({ ...head, hasBody: false }, body, {
    onHead: (answer, whole) => {
      ({ status, headers } = answer);
      if (whole !== undefined) keep(whole);
    },
    onData: (bytes) => {
      keep(bytes);
      exchange.consume(bytes.length);
    },
    onEnd: () => answered.resolve({ status, headers, start }),
    onFail: (error) => answered.reject(error),
    onDrain: () => undefined,
  });
  try {
    return await untilAborted(answered.promise, signal);
  } catch (thrown) {
    if (signal.aborted) exchange.abort();
    throw thrown;
  }
}
