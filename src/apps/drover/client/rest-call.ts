/** One call of the API's plain JSON over HTTP. Failures come out as DroverErrors. */
import type { Agent, IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

import { DroverError, ERROR_KINDS, systemErrorCode, toDroverError } from '#kernel/errors.ts';
import type { ErrorKind } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import type { ServerTarget } from './server-target.ts';

export type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RestRequest {
  readonly method: RestMethod;
  /** Begins with a slash and may hold a query. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly signal: AbortSignal;
  /** Of connections that are kept for the next call. */
  readonly agent?: Agent;
}

export interface RestAnswer {
  /** Undefined when the server answers nothing. */
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

const MAX_ANSWER_BYTES = 16 * MIB;

export async function restCall(target: ServerTarget, request: RestRequest): Promise<RestAnswer> {
  try {
    const answer = await exchange(target, request);
    return { body: readAnswer(answer, await readText(answer)), headers: answer.headers };
  } catch (thrown) {
    const { signal } = request;
    throw signal.aborted ? toDroverError(signal.reason) : explain(thrown, target.url);
  }
}

/** Resolves when the answer begins. */
async function exchange(
  { url, token, ca }: ServerTarget,
  { method, path, body, signal, agent }: RestRequest,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const text = body === undefined ? undefined : JSON.stringify(body);
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const request = send(`${url}${path}`, {
    method,
    signal,
    ...(agent === undefined ? {} : { agent }),
    headers: {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(ca === undefined ? {} : { ca }),
  });
  request.on('response', resolve);
  request.on('error', reject);
  request.end(text);
  return await promise;
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new DroverError('resource_exhausted', 'the server answers more than 16 MiB');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAnswer({ statusCode = 0 }: IncomingMessage, text: string): unknown {
  const json = parseJson(text);
  if (statusCode >= 200 && statusCode < 300) {
    if (text === '' || json !== undefined) return json;
    const problem = 'the answer is no JSON; is a Drover server there?';
    throw new DroverError('unavailable', problem, { reason: 'NOT_DROVER' });
  }
  const { code, message, details, error } = asRecord(json);
  const [detail] = Array.isArray(details) ? (details as unknown[]) : [];
  const { reason, metadata } = asRecord(detail);
  // So answers what speaks the API of Prometheus.
  if (typeof error === 'string') throw new DroverError(kindOf(statusCode, code), error);
  if (typeof message !== 'string') {
    const problem = `the server answers ${statusCode} and does not look like Drover's`;
    throw new DroverError(kindOf(statusCode, code), problem, { reason: 'NOT_DROVER' });
  }
  throw new DroverError(kindOf(statusCode, code), message, {
    ...(typeof reason === 'string' ? { reason } : {}),
    metadata: Object.fromEntries(
      Object.entries(asRecord(metadata)).map(([name, value]) => [name, String(value)]),
    ),
  });
}

/** For answers without a code: those of Prometheus' API, and of what stands in between. */
const STATUS_KINDS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'already_exists',
  412: 'failed_precondition',
  422: 'failed_precondition',
  429: 'resource_exhausted',
  501: 'unimplemented',
  503: 'unavailable',
  504: 'deadline_exceeded',
};

function kindOf(status: number, code: unknown): ErrorKind {
  if (code === 'canceled') return 'cancelled';
  const known = ERROR_KINDS.find((kind) => kind === code) ?? STATUS_KINDS[status];
  return known ?? (status >= 500 ? 'unavailable' : 'internal');
}

function explain(thrown: unknown, url: string): DroverError {
  if (thrown instanceof DroverError) return thrown;
  const code = systemErrorCode(thrown);
  if (code === 'ECONNRESET') {
    return new DroverError('unavailable', `the connection to ${url} was lost`, {
      reason: 'CONNECTION_LOST',
      cause: thrown,
    });
  }
  return new DroverError('unavailable', `cannot reach the server at ${url} (${code})`, {
    reason: 'SERVER_UNREACHABLE',
    cause: thrown,
  });
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    // Whoever reads it says that it is not what was expected.
    return undefined;
  }
}
