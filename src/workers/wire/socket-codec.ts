/**
 * Frames as bytes, for a socket to a process:
 *
 *   u32 length of what follows │ u8 type │ u32 id, 0 where there is none │ payload
 *
 *   request, response            u32 length of the head │ head as JSON │ nothing: the body is apart
 *   … and those with a body      u32 length of the head │ head as JSON │ the whole body
 *   data                         the bytes
 *   credit                       u32 number of bytes
 *   specialise, rejected, fail, stats    JSON
 *
 * Numbers are little-endian. The other side may be anybody's code, so that nothing is read here
 * but JSON and plain bytes: V8's own serialisation is not made for what was forged. Tasks are left
 * out for that reason; they run in threads, and would have to be plain data here.
 */
import type { Caller, FlatHeaders, RequestHead, ResponseHead } from '#workers/exchange.ts';
import type { Frame, MemberStats } from './frames.ts';

type TaskFrame = 'task' | 'progress' | 'result';
export type SocketFrame = Exclude<Frame, { readonly type: TaskFrame }>;

export const FRAME_CODES = {
  hello: 1,
  specialise: 2,
  specialised: 3,
  rejected: 4,
  request: 5,
  response: 6,
  data: 7,
  end: 8,
  credit: 9,
  abort: 10,
  fail: 11,
  idle: 12,
  retire: 13,
  retired: 14,
  stats: 15,
} satisfies Record<SocketFrame['type'], number>;

export const REQUEST_WITH_BODY = 16;
export const RESPONSE_WITH_BODY = 17;

/** Length, type and id. */
export const HEADER_BYTES = 9;
/** Type and id, the least that a length can say. */
export const LEAST_FRAME_BYTES = 5;
/** Ample for a short body and a head; longer bodies come in pieces. */
export const MOST_FRAME_BYTES = 1024 * 1024;

const CALLER_KINDS = ['customer', 'operator', 'platform'] as const;

export function parseRequestHead(value: unknown): RequestHead {
  const { method, url, headers, hasBody, isUpgrade, caller } = fieldsOf(value);
  if (typeof method !== 'string' || typeof url !== 'string') throw malformed('a request head');
  return {
    method,
    url,
    headers: parseHeaders(headers),
    hasBody: hasBody === true,
    ...(isUpgrade === true ? { isUpgrade } : {}),
    ...(caller === undefined ? {} : { caller: parseCaller(caller) }),
  };
}

export function parseResponseHead(value: unknown): ResponseHead {
  const { status, headers } = fieldsOf(value);
  if (typeof status !== 'number') throw malformed('a response head');
  return { status, headers: parseHeaders(headers) };
}

export function parseStats(value: unknown): MemberStats {
  const { heapUsedBytes, isolateBytes, utilization } = fieldsOf(value);
  return {
    heapUsedBytes: parseAmount(heapUsedBytes),
    isolateBytes: parseAmount(isolateBytes),
    utilization: Math.min(1, parseAmount(utilization)),
  };
}

export function malformed(what: string): Error {
  return new Error(`wire: ${what} is malformed`);
}

function parseHeaders(value: unknown): FlatHeaders {
  if (!Array.isArray(value) || value.length % 2 !== 0) throw malformed('a list of headers');
  const headers: readonly unknown[] = value;
  if (!headers.every((each) => typeof each === 'string')) throw malformed('a header');
  return headers;
}

function parseCaller(value: unknown): Caller {
  const { kind, id } = fieldsOf(value);
  const known = CALLER_KINDS.find((each) => each === kind);
  if (known === undefined || typeof id !== 'string') throw malformed('a caller');
  return { kind: known, id };
}

function parseAmount(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0)) throw malformed('a number of the statistics');
  return value;
}

/** Not a copy: what comes may be a million numbers in a list. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw malformed('an object');
  return Object(value);
}
