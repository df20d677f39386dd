/** Requests to another Drover, each with a deadline and a bound on what it may answer. */
import { Agent as PlainAgent, request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { TrustedAgent } from '#kernel/trusted-agent.ts';
import { MIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { readFrames, toFrame } from './connect-frames.ts';
import { failureToError, isMap, notDrover, refusalToError } from './remote-error.ts';

export interface DroverClientOptions {
  readonly url: string;
  readonly trust: HttpTrust;
  readonly token: string;
  readonly clock: Clock;
}

export type Answer = Readonly<Record<string, unknown>>;

export interface DiskPart {
  readonly offset: number;
  readonly type: string;
  /** As it is taken. */
  readonly content: (signal: AbortSignal) => AsyncIterable<Buffer>;
}

const MOST_SOCKETS = 4;
const MOST_ANSWER_BYTES = 8 * MIB;
const CALL_MS = MINUTE_MS;
/** How long a part may stand still, or wait to be written through at the other end. */
const STALL_MS = MINUTE_MS;
const STREAM_TYPE = 'application/connect+json';

interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class DroverClient implements Disposable {
  /** For messages: `the Drover at two.example.com:8080`. */
  readonly peer: string;
  readonly #options: DroverClientOptions;
  readonly #host: string;
  /** A connection for each request: a kept one may be closed just as it is used again. */
  readonly #secure: TrustedAgent;
  readonly #plain = new PlainAgent({ maxSockets: MOST_SOCKETS });

  constructor(options: DroverClientOptions) {
    this.#options = options;
    this.#host = new URL(options.url).host;
    this.peer = `the Drover at ${this.#host}`;
    this.#secure = new TrustedAgent(options.trust, { maxSockets: MOST_SOCKETS, isKept: false });
  }

  /** A method with one answer: `vmprovisioner.v1.VmService/GetVmInfo`. */
  async call(
    method: string,
    body: object,
    signal: AbortSignal,
    timeoutMs: number = CALL_MS,
  ): Promise<Answer> {
    return await this.#json({ method: 'POST', path: `/${method}`, body, timeoutMs }, signal);
  }

  async rest(
    method: Call['method'],
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<Answer> {
    return await this.#json({ method, path, body, timeoutMs: CALL_MS }, signal);
  }

  /** The messages of a method that answers many, until it has no more. */
  async stream(method: string, body: object, signal: AbortSignal): Promise<readonly Answer[]> {
    const headers = { 'content-type': STREAM_TYPE, 'connect-protocol-version': '1' };
    const call = { method: 'POST', path: `/${method}`, headers } as const;
    const { status, bytes } = await this.#exchange(call, toFrame(body), { signal });
    if (status !== 200) throw refusalToError(this.peer, status, parseJson(bytes));
    const { messages, error } = readFrames(bytes);
    if (error !== undefined) throw refusalToError(this.peer, status, error);
    return messages;
  }

  async sendPart(path: string, part: DiskPart, signal: AbortSignal): Promise<Answer> {
    const { offset, type } = part;
    const headers = { 'content-type': type, 'upload-offset': String(offset) };
    const stop = new AbortController();
    let isMoving = true;
    using _watch = this.#options.clock.every(STALL_MS, () => {
      if (!isMoving) stop.abort(stalled(this.peer));
      isMoving = false;
    });
    const ended = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const content = part.content(AbortSignal.any([both, ended.signal]));
    try {
      const request = this.#open({ method: 'PATCH', path, headers }, both);
      const answered = headOf(request);
      // How sending ends is told by the answer, or by the request that it breaks.
      const sent = pipeline(
        content,
        async function* moving(chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            isMoving = true;
            yield chunk;
          }
        },
        request,
      ).catch(() => undefined);
      const { status, bytes } = await readAnswer(await answered);
      ended.abort();
      await sent;
      return this.#readJson(status, bytes);
    } catch (thrown) {
      both.throwIfAborted();
      throw failureToError(this.peer, this.#host, thrown);
    } finally {
      ended.abort();
    }
  }

  [Symbol.dispose](): void {
    this.#secure.destroy();
    this.#plain.destroy();
  }

  async #json(
    call: Omit<Call, 'headers'> & { readonly body: object | undefined; readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<Answer> {
    const { method, path, body, timeoutMs } = call;
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string> =
      text === undefined ? {} : { 'content-type': 'application/json' };
    const request = { method, path, headers };
    const { status, bytes } = await this.#exchange(request, text, { signal, timeoutMs });
    return this.#readJson(status, bytes);
  }

  #readJson(status: number, bytes: Buffer): Answer {
    if (status === 204) return {};
    const body = parseJson(bytes);
    if (status < 200 || status > 299) throw refusalToError(this.peer, status, body);
    if (isMap(body)) return body;
    throw notDrover(this.peer, status);
  }

  async #exchange(
    call: Call,
    body: Buffer | undefined,
    { signal, timeoutMs = CALL_MS }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
  ): Promise<{ readonly status: number; readonly bytes: Buffer }> {
    const what = `${call.method} ${call.path}`;
    using deadline = openDeadline(this.#options.clock, timeoutMs, what, signal);
    try {
      const length = { 'content-length': String(body?.length ?? 0) };
      const headers = { ...call.headers, ...(body !== undefined && length) };
      const request = this.#open({ ...call, headers }, deadline.signal);
      const answered = headOf(request);
      request.end(body);
      return await readAnswer(await answered);
    } catch (thrown) {
      // Who aborted says why; what the socket says to that is of no interest.
      deadline.signal.throwIfAborted();
      throw failureToError(this.peer, this.#host, thrown);
    }
  }

  #open({ method, path, headers }: Call, signal: AbortSignal): ClientRequest {
    const { url, token } = this.#options;
    const target = new URL(`${url}${path}`);
    const options = {
      ...{ method, signal },
      headers: { ...headers, authorization: `Bearer ${token}` },
    };
    if (target.protocol === 'http:') return requestHttp(target, { ...options, agent: this.#plain });
    return requestHttps(target, { ...options, agent: this.#secure });
  }
}

function headOf(request: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.on('response', resolve);
  request.on('error', reject);
  request.on('close', () => reject(new Error('the connection closed without an answer')));
  // Somebody waits for it only when all is under way.
  promise.catch(() => undefined);
  return promise;
}

async function readAnswer(
  answer: IncomingMessage,
): Promise<{ readonly status: number; readonly bytes: Buffer }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) {
      answer.destroy();
      const text = `the answer has more than ${MOST_ANSWER_BYTES} bytes`;
      throw new DroverError('failed_precondition', text, { reason: 'ANSWER_TOO_LARGE' });
    }
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks, bytes) };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    // Not a Drover's; whoever reads it says so.
    return undefined;
  }
}

function stalled(peer: string): DroverError {
  const text = `${peer} took nothing for ${STALL_MS / SECOND_MS} s`;
  return new DroverError('unavailable', text, { reason: 'UPLOAD_STALLED' });
}
