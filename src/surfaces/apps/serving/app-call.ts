/**
 * One request to an app and its answer, between the caller's connection and the pool.
 *
 *   waiting ── head ──▶ answering ── end ──▶ over
 *      │                    ├── fail, or not as declared: the connection is cut
 *      │ fail: answered     └── the caller goes: the exchange is aborted
 *      └───────────────────────────────────▶ over
 *
 * Bytes are reported as dealt with when the connection took them, not when they were given to it:
 * so a slow caller slows the app down, and what is on the way stays within one window.
 */
import { validateHeaderName, validateHeaderValue, type ServerResponse } from 'node:http';
import { Http2ServerResponse, constants } from 'node:http2';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '#kernel/errors.ts';
import { REQUEST_ID_HEADER } from '#surfaces/edge/request-id.ts';
import { sendError } from '#surfaces/edge/http-errors.ts';
import type { AnswerHandler, Exchange, ResponseHead } from '#workers/exchange.ts';
import { answerHeaders } from './answer-headers.ts';
import { BegunExchange } from './begun-exchange.ts';
import type { RawResponse } from './raw-http.ts';

/** As text so short a body goes out in one write with its head; as bytes it would be a second. */
const SHORT_BYTES = 4096;

/** What is still to come of the request. */
interface RequestBody {
  /** The app wants more. */
  resume(): void;
  /** Nobody does any more. */
  drop(response: RawResponse): void;
}

export class AppCall implements AnswerHandler {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  /** Over HTTP/2 it is what stands in for one. */
  readonly #raw: ServerResponse;
  readonly #body: RequestBody | undefined;
  readonly #exchange = new BegunExchange();
  #isOver = false;
  #hasHead = false;
  #hasNoBody: boolean;
  /** What the head promised, and what came of it. */
  #declared: number | undefined;
  #received = 0;
  /** Given to the connection and not taken by it yet. */
  #pending = 0;

  constructor(request: FastifyRequest, reply: FastifyReply, body: RequestBody | undefined) {
    this.#request = request;
    this.#reply = reply;
    this.#raw = reply.raw;
    this.#body = body;
    this.#hasNoBody = request.method === 'HEAD';
  }

  begin(fetch: (handler: AnswerHandler) => Exchange): Exchange {
    this.#raw.on('close', () => this.#leave());
    const exchange = fetch(this);
    this.#exchange.set(exchange);
    return exchange;
  }

  onHead(head: ResponseHead, body: Uint8Array | undefined): void {
    if (this.#isOver) return;
    const { flat, contentLength } = answerHeaders(head.headers);
    this.#hasNoBody ||= head.status === 204 || head.status === 304;
    const isWhole = body !== undefined && !this.#hasNoBody;
    const length = isWhole ? body.length : contentLength;
    if (length !== undefined && head.status !== 204) flat.push('content-length', String(length));
    try {
      if (head.status < 200 || head.status > 599) throw new RangeError(`status ${head.status}`);
      // Over HTTP/1.1 Node does that itself.
      if (this.#raw instanceof Http2ServerResponse) assertHeaders(flat);
      this.#raw.setHeader(REQUEST_ID_HEADER, this.#request.id);
      this.#raw.writeHead(head.status, flat);
    } catch (cause) {
      this.#refuseHead(cause);
      return;
    }
    this.#reply.hijack();
    this.#hasHead = true;
    if (body !== undefined) {
      this.#declared = undefined;
      this.#finish(isWhole ? body : undefined);
      return;
    }
    this.#declared = contentLength;
    // Data mostly follow at once, and travel with the head then.
    setImmediate(() => {
      if (!this.#isOver && this.#received === 0) this.#raw.flushHeaders();
    });
  }

  onData(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#received += bytes.length;
    if (this.#hasNoBody) {
      this.#exchange.consume(bytes.length);
      return;
    }
    if (this.#declared !== undefined && this.#received > this.#declared) {
      this.#cut(notAsDeclared());
      return;
    }
    const isTaken = this.#raw.write(bytes);
    if (isTaken && this.#pending === 0) {
      this.#exchange.consume(bytes.length);
      return;
    }
    if (this.#pending === 0) this.#raw.once('drain', () => this.#consumePending());
    this.#pending += bytes.length;
  }

  onEnd(): void {
    if (this.#isOver) return;
    const isShort = this.#declared !== undefined && this.#received < this.#declared;
    if (isShort && !this.#hasNoBody) this.#cut(notAsDeclared());
    else this.#finish(undefined);
  }

  onFail(error: DroverError): void {
    if (this.#isOver) return;
    if (this.#hasHead) {
      this.#cut(error);
      return;
    }
    this.#isOver = true;
    sendError(error, this.#request, this.#reply);
    this.#body?.drop(this.#raw);
  }

  onDrain(): void {
    this.#body?.resume();
  }

  /** For a reason that the app has no part in. */
  abandon(error: DroverError): void {
    if (this.#isOver) return;
    this.#exchange.abort();
    this.onFail(error);
  }

  #finish(bytes: Uint8Array | undefined): void {
    this.#isOver = true;
    if (bytes === undefined) this.#raw.end();
    else if (bytes.length > SHORT_BYTES) this.#raw.end(bytes);
    else this.#raw.end(toLatin1(bytes), 'latin1');
    this.#body?.drop(this.#raw);
  }

  #consumePending(): void {
    const byteCount = this.#pending;
    this.#pending = 0;
    if (!this.#isOver) this.#exchange.consume(byteCount);
  }

  /** The caller's connection is gone, or all of the answer is on its way. */
  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.drop(this.#raw);
    this.#exchange.abort();
  }

  /** Whoever reads must see that the answer is not whole. */
  #cut(error: DroverError): void {
    this.#isOver = true;
    this.#request.failure = error;
    this.#exchange.abort();
    this.#body?.drop(this.#raw);
    const raw = this.#raw;
    if (raw instanceof Http2ServerResponse) {
      raw.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    } else {
      raw.destroy();
    }
  }

  #refuseHead(cause: unknown): void {
    for (const name of this.#raw.getHeaderNames()) {
      if (name !== REQUEST_ID_HEADER) this.#raw.removeHeader(name);
    }
    const message = 'the app answered with a status or headers that are not valid';
    this.abandon(new DroverError('internal', message, { reason: 'APP_ERROR', cause }));
  }
}

/** A character for each byte, whatever they mean. */
function toLatin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function assertHeaders(flat: readonly string[]): void {
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] ?? '';
    validateHeaderName(name);
    validateHeaderValue(name, flat[at + 1] ?? '');
  }
}

function notAsDeclared(): DroverError {
  return new DroverError('internal', "the app's answer is not as long as its Content-Length says", {
    reason: 'APP_ERROR',
  });
}
