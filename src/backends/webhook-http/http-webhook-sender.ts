/**
 * Sends webhooks over HTTP. The address that is connected to is the very one that was judged: the
 * name is looked up here, once, for each connection, so a second answer of its name server changes
 * nothing. Redirects are not followed, proxies of the environment not used.
 */
import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { answerTo } from '#kernel/answer-to.ts';
import { openDeadline } from '#kernel/abort.ts';
import type { AddressPolicy } from '#kernel/address-policy.ts';
import type { Clock } from '#kernel/clock.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { createGuardedLookup, RefusedAddress, type NameResolver } from '#kernel/guarded-lookup.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { OutgoingRequest, SendOutcome, WebhookSender } from '#webhooks/webhook-sender.ts';
import { createNameResolver } from './name-resolver.ts';
import { refusalOfUrl } from './url-refusal.ts';

const MOST_ANSWER_BYTES = 64 * 1024;
const ANSWER_START_BYTES = 1024;
const IDLE_MS = 15 * SECOND_MS;
const SOCKETS_PER_RECEIVER = 64;

export interface HttpWebhookSenderOptions {
  readonly policy: AddressPolicy;
  readonly clock: Clock;
  readonly resolve?: NameResolver;
}

export class HttpWebhookSender implements WebhookSender {
  readonly #options: HttpWebhookSenderOptions;
  readonly #lookup: LookupFunction;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(options: HttpWebhookSenderOptions) {
    this.#options = options;
    this.#lookup = createGuardedLookup(options.policy, options.resolve ?? createNameResolver());
    const sockets = { keepAlive: true, maxSockets: SOCKETS_PER_RECEIVER, timeout: IDLE_MS };
    this.#http = new HttpAgent(sockets);
    this.#https = new HttpsAgent(sockets);
  }

  refusalOf(url: URL): string | undefined {
    return refusalOfUrl(url, this.#options.policy);
  }

  async send(request: OutgoingRequest, signal: AbortSignal): Promise<SendOutcome> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const latency = () => clock.monotonicMs() - startedMs;
    using deadline = openDeadline(clock, request.timeoutMs, 'the attempt', signal);
    try {
      const url = new URL(request.url);
      // An address in the URL is connected to without a look-up, so it is judged here each time.
      const refusal = this.refusalOf(url);
      if (refusal !== undefined) throw new RefusedAddress(refusal);
      const answer = await this.#exchange(url, request, deadline.signal);
      return { kind: 'answered', ...answer, latencyMs: latency() };
    } catch (thrown) {
      signal.throwIfAborted();
      const error = deadline.signal.aborted
        ? `no complete answer within ${request.timeoutMs} ms`
        : connectionFailureToText(thrown, 'the receiver');
      return { kind: 'failed', error, latencyMs: latency() };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#http.destroy();
    this.#https.destroy();
    return Promise.resolve();
  }

  async #exchange(url: URL, outgoing: OutgoingRequest, signal: AbortSignal): Promise<Answer> {
    for (let isFirst = true; ; isFirst = false) {
      const sent = this.#open(url, outgoing, signal);
      try {
        return await readAnswer(await answerTo(sent, outgoing.body), signal);
      } catch (thrown) {
        // A kept connection may be closed by its receiver just as it is used again.
        if (!isFirst || !sent.reusedSocket || signal.aborted) throw thrown;
      }
    }
  }

  #open(url: URL, { headers, body }: OutgoingRequest, signal: AbortSignal): ClientRequest {
    const isTls = url.protocol === 'https:';
    const options: RequestOptions = {
      method: 'POST',
      agent: isTls ? this.#https : this.#http,
      headers: { ...headers, 'content-length': body.length },
      lookup: this.#lookup,
      signal,
    };
    return isTls ? requestHttps(url, options) : requestHttp(url, options);
  }
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly answerStart: string;
}

/** Of an answer that is too long the rest is left, and the connection with it. */
async function readAnswer(answer: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const start: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    signal.throwIfAborted();
    if (!Buffer.isBuffer(chunk)) continue;
    if (bytes < ANSWER_START_BYTES) start.push(chunk.subarray(0, ANSWER_START_BYTES - bytes));
    bytes += chunk.length;
    if (bytes >= MOST_ANSWER_BYTES) break;
  }
  return {
    status: answer.statusCode ?? 0,
    retryAfter: answer.headers['retry-after'],
    answerStart: Buffer.concat(start).toString('utf8'),
  };
}
