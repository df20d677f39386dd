/** One call of the API's plain JSON over HTTP. Failures come out as DroverErrors. */
import type { Agent, IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

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
  /** Instead of a body: bytes that are sent as they come. */
  readonly upload?: {
    readonly type: string;
    readonly content: Readable;
    /** Said before, so that what is too long is refused at once. */
    readonly totalBytes?: number;
  };
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
  } finally {
    // What is refused before it was sent whole need not be sent whole.
    request.upload?.content.destroy();
  }
}

/** An answer that is lines of JSON, one by one as they come. */
export async function* restLines(
  target: ServerTarget,
  request: RestRequest,
): AsyncGenerator<unknown, void> {
  try {
    const answer = await exchange(target, request);
    // Of a failure, this throws what it says.
    if (answer.statusCode !== 200) readAnswer(answer, await readText(answer));
    yield* readLines(answer);
  } catch (thrown) {
    const { signal } = request;
    throw signal.aborted ? toDroverError(signal.reason) : explain(thrown, target.url);
  }
}

async function* readLines(answer: IncomingMessage): AsyncGenerator<unknown, void> {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer as AsyncIterable<string>) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ANSWER_BYTES) throw tooMuch();
    for (const line of lines) if (line !== '') yield readJson(line);
  }
}

/** Resolves when the answer begins, which may be before all is sent: then it is a refusal. */
async function exchange(
  { url, token, ca }: ServerTarget,
  { method, path, body, upload, signal, agent }: RestRequest,
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
      ...(upload === undefined ? {} : { 'content-type': upload.type }),
      ...(upload?.totalBytes === undefined ? {} : { 'content-length': upload.totalBytes }),
    },
    ...(ca === undefined ? {} : { ca }),
  });
  request.on('response', resolve);
  request.on('error', reject);
  if (upload === undefined) request.end(text);
  // Of what cannot be read any more the request learns nothing by itself.
  else pipeline(upload.content, request).catch(reject);
  return await promise;
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw tooMuch();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAnswer({ statusCode = 0 }: IncomingMessage, text: string): unknown {
  if (statusCode >= 200 && statusCode < 300) return text === '' ? undefined : readJson(text);
  const json = parseJson(text);
  const { code, message, details, error } = asRecord(json);
  const [detail] = Array.isArray(details) ? (details as unknown[]) : [];
  const { reason, metadata } = asRecord(detail);
  // So answers what speaks the API of Prometheus, and nothing else.
  if (typeof error === 'string' && typeof message !== 'string') {
    throw new DroverError(kindOf(statusCode, code), error);
  }
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

function readJson(text: string): unknown {
  const json = parseJson(text);
  if (json !== undefined) return json;
  const problem = 'the answer is no JSON; is a Drover server there?';
  throw new DroverError('unavailable', problem, { reason: 'NOT_DROVER' });
}

function tooMuch(): DroverError {
  return new DroverError('resource_exhausted', 'the server answers more than 16 MiB');
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
  if (code === 'ECONNRESET' || code === 'EPIPE') return connectionLost(url, thrown);
  return new DroverError('unavailable', `cannot reach the server at ${url} (${code})`, {
    reason: 'SERVER_UNREACHABLE',
    cause: thrown,
  });
}

function connectionLost(url: string, cause: unknown): DroverError {
  const message = `the connection to ${url} was lost`;
  return new DroverError('unavailable', message, { reason: 'CONNECTION_LOST', cause });
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
