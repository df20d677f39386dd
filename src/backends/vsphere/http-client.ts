/** Requests to one vSphere server, each with a deadline and a bound on what it may answer. */
import { Agent as PlainAgent, request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { answerTo } from '#kernel/answer-to.ts';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { TrustedAgent } from '#kernel/trusted-agent.ts';

const MOST_SOCKETS = 16;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What is done, for the error of a deadline. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly mostBytes: number;
  /**
   * On a connection of its own: a kept one may be closed just as it is used again, and then nobody
   * knows whether the request was taken.
   */
  readonly isFresh: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class HttpClient implements Disposable {
  readonly #clock: Clock;
  readonly #kept: TrustedAgent;
  readonly #fresh: TrustedAgent;
  /** Without TLS there are servers on this host only, so connections cost nothing. */
  readonly #plain = new PlainAgent({ maxSockets: MOST_SOCKETS });

  constructor(trust: HttpTrust, clock: Clock) {
    this.#clock = clock;
    this.#kept = new TrustedAgent(trust, { maxSockets: MOST_SOCKETS, isKept: true });
    this.#fresh = new TrustedAgent(trust, { maxSockets: MOST_SOCKETS, isKept: false });
  }

  async exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    using deadline = openDeadline(this.#clock, request.timeoutMs, request.what, signal);
    try {
      const answer = await answerTo(this.#open(request, deadline.signal), request.body);
      return await readAnswer(answer, request.mostBytes);
    } catch (thrown) {
      // Who aborted says why; what the socket says to that is of no interest.
      deadline.signal.throwIfAborted();
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    this.#kept.destroy();
    this.#fresh.destroy();
    this.#plain.destroy();
  }

  #open({ method, url, headers, body, isFresh }: HttpRequest, signal: AbortSignal): ClientRequest {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = { method, headers: { ...headers, ...length }, signal };
    if (url.protocol === 'http:') return requestHttp(url, { ...options, agent: this.#plain });
    return requestHttps(url, { ...options, agent: isFresh ? this.#fresh : this.#kept });
  }
}

async function readAnswer(answer: IncomingMessage, mostBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > mostBytes) {
      answer.destroy();
      throw new DroverError('resource_exhausted', `vSphere answered more than ${mostBytes} bytes`, {
        reason: 'VSPHERE_ANSWER_TOO_LARGE',
      });
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks, bytes);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
}
