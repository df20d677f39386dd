/**
 * One request of an app on its way to a server, and the answer on its way back.
 *
 *   wait for a turn ─▶ connect ─▶ send ─▶ answer begins ─▶ answer ends
 *          └──────────────┴────────┴────────────┴───────── abort, fail
 *
 * What always holds:
 * - The answer is ended or failed exactly once, unless the app aborted: then neither. The turn is
 *   given back and the connection, if it cannot serve another request, is closed by then.
 * - While it is up to the server to go on, `PATIENCE` says for how long it may not. Nothing hurries
 *   the app, which keeps only its own turns busy.
 * - Bytes of the request are consumed when the connection took them, and the answer is read only
 *   as fast as the app reads it.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '#kernel/clock.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { createGuardedLookup, RefusedAddress, type NameResolver } from '#kernel/guarded-lookup.ts';
import { isIpAddress } from '#kernel/ip-address.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { AnswerWriter, RequestHandler, RequestHead } from '#workers/exchange.ts';
import type { AppConnections } from './app-connections.ts';
import { declaredLength, incomingHeaders, outgoingHeaders } from './egress-headers.ts';
import { refusedAddress, type Refused } from './egress-refusal.ts';
import type { Turns } from './turns.ts';

const PATIENCE = {
  turn: { ms: MINUTE_MS, missing: 'too many requests of the worker are under way: no turn came' },
  /** The look-up of the name and TLS included. */
  connect: { ms: 10 * SECOND_MS, missing: 'no connection came about' },
  send: { ms: MINUTE_MS, missing: 'the server took no more of the request' },
  head: { ms: MINUTE_MS, missing: 'the server did not begin to answer' },
  body: { ms: 5 * MINUTE_MS, missing: 'the server sent no more of its answer' },
} as const;
type Part = keyof typeof PATIENCE;

/** May be sent once more when a kept connection turns out to be closed. */
const REPEATABLE = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];

/** What is called, judged as far as that can be done without looking the name up. */
export interface Target extends Refused {
  /** A name, or an address without brackets. */
  readonly host: string;
}

export interface EgressCallParts {
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  readonly answer: AnswerWriter;
  readonly target: Target;
  readonly connections: AppConnections;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly resolve: NameResolver;
  /** Once, before the answer is ended or failed. */
  readonly onOver: (call: EgressCall) => void;
}

export class EgressCall implements RequestHandler {
  readonly #parts: EgressCallParts;
  readonly #length: number | undefined;
  readonly #onTurn = () => this.#tryOpen();
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  /** Came while it waited for its turn. */
  #early: Uint8Array[] = [];
  #givenBytes = 0;
  #unsentBytes = 0;
  /** The app has no more of the request. */
  #isGiven: boolean;
  #isConnected = false;
  #isOver = false;
  #patience: Timer | undefined;

  constructor(parts: EgressCallParts) {
    this.#parts = parts;
    this.#length = declaredLength(parts.head, parts.body);
    this.#isGiven = parts.body !== undefined || !parts.head.hasBody;
  }

  start(): void {
    if (!this.#parts.turns.take(this.#onTurn)) {
      this.#failWith(busy('too many requests of the worker wait already'));
    } else this.#watch();
  }

  /** It ends now, with this. */
  close(error: DroverError): void {
    this.#failWith(error);
  }

  onData(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#givenBytes += bytes.length;
    if (this.#length !== undefined && this.#givenBytes > this.#length) this.#failLength();
    else if (this.#request === undefined) this.#early.push(bytes);
    else this.#send(this.#request, bytes);
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isGiven = true;
    if (this.#length !== undefined && this.#givenBytes < this.#length) {
      this.#failLength();
      return;
    }
    this.#request?.end();
    this.#watch();
  }

  onAbort(): void {
    this.#finish();
  }

  onDrain(): void {
    this.#response?.resume();
    this.#watch();
  }

  /** Node throws for what cannot stand in a request, however well it was looked at before. */
  #tryOpen(): void {
    try {
      this.#open();
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new Error('it cannot be sent'));
    }
  }

  #open(): void {
    const { head, body, target, resolve, connections } = this.#parts;
    const { url, host, isNamed, allowPrivate } = target;
    const request = connections.request(url, {
      host,
      port: url.port,
      path: url.pathname + url.search,
      method: head.method,
      headers: outgoingHeaders(head, url.host, this.#length),
      servername: isIpAddress(host) ? '' : host,
      lookup: createGuardedLookup({ allowPrivate: isNamed && allowPrivate }, resolve),
    });
    this.#request = request;
    this.#isConnected = false;
    request.on('socket', (socket: Socket) => this.#onSocket(request, socket));
    request.on('response', (response) => this.#onResponse(response));
    request.on('error', (error) => this.#onError(request, error));
    request.on('close', () => {
      if (this.#response === undefined) this.#onError(request, new Error('the connection closed'));
    });
    if (body === undefined) {
      for (const bytes of this.#early) this.#send(request, bytes);
      this.#early = [];
      if (this.#isGiven) request.end();
      // The server may have something to say to the head alone.
      else request.flushHeaders();
    } else request.end(body);
    this.#watch();
  }

  #send(request: ClientRequest, bytes: Uint8Array): void {
    this.#unsentBytes += bytes.length;
    request.write(bytes, () => {
      this.#unsentBytes -= bytes.length;
      if (this.#isOver) return;
      this.#parts.answer.consume(bytes.length);
      this.#watch();
    });
    this.#watch();
  }

  #onSocket(request: ClientRequest, socket: Socket): void {
    const onConnected = () => {
      if (this.#request !== request) return;
      this.#isConnected = true;
      this.#watch();
    };
    if (request.reusedSocket) onConnected();
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', onConnected);
  }

  #onResponse(response: IncomingMessage): void {
    if (this.#isOver) return;
    this.#response = response;
    const { answer } = this.#parts;
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 599) {
      this.#fail(Object.assign(new Error('no such status'), { code: 'HPE_INVALID_STATUS' }));
      return;
    }
    response.on('error', (error) => this.#fail(error));
    answer.head({ status, headers: incomingHeaders(response.rawHeaders) });
    response.on('data', (chunk: Buffer) => {
      if (this.#isOver) return;
      if (!answer.write(chunk)) response.pause();
      this.#watch();
    });
    response.on('end', () => {
      if (this.#finish()) answer.end();
    });
    this.#watch();
  }

  #onError(request: ClientRequest, error: Error): void {
    if (this.#isOver || this.#request !== request) return;
    const { head, body } = this.#parts;
    // Of a kept connection it shows only when it is used that the server has closed it.
    const isStale = request.reusedSocket && this.#response === undefined;
    const isWhole = body !== undefined || !head.hasBody;
    if (isStale && isWhole && REPEATABLE.includes(head.method)) this.#tryOpen();
    else this.#fail(error);
  }

  /** Waits for the server, if it is the server's turn to do something. */
  #watch(): void {
    this.#patience?.cancel();
    const part = this.#isOver ? undefined : this.#awaited();
    if (part === undefined) return;
    const { ms, missing } = PATIENCE[part];
    this.#patience = this.#parts.clock.after(ms, () => {
      const message = `${missing} within ${ms / SECOND_MS} s`;
      if (part === 'turn') this.#failWith(busy(message));
      else this.#failWith(timedOut(`${this.#parts.target.url.origin}: ${message}`));
    });
  }

  #awaited(): Part | undefined {
    if (this.#request === undefined) return 'turn';
    if (!this.#isConnected) return 'connect';
    if (this.#response !== undefined) return this.#response.isPaused() ? undefined : 'body';
    if (this.#unsentBytes > 0) return 'send';
    return this.#isGiven ? 'head' : undefined;
  }

  #failLength(): void {
    const message = `content-length: the body is not the ${this.#length} bytes that it says`;
    this.#failWith(new DroverError('invalid_argument', message, { reason: 'INVALID_FIELD' }));
  }

  #fail(error: Error): void {
    const { target } = this.#parts;
    if (error instanceof RefusedAddress && error.address !== undefined) {
      this.#failWith(refusedAddress(target, error.address));
      return;
    }
    const message = `${target.url.origin}: ${connectionFailureToText(error, 'the server')}`;
    const reason = systemErrorCode(error) ?? 'EGRESS_FAILED';
    this.#failWith(new DroverError('unavailable', message, { reason, cause: error }));
  }

  #failWith(error: DroverError): void {
    if (this.#finish()) this.#parts.answer.fail(error);
  }

  /** False: it is over already. */
  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#patience?.cancel();
    this.#early = [];
    // One that has been sent and answered whole leaves its connection for the next.
    const isWhole = this.#response?.complete === true && this.#request?.writableFinished === true;
    if (!isWhole) this.#request?.destroy();
    this.#parts.turns.giveBack(this.#onTurn);
    this.#parts.onOver(this);
    return true;
  }
}

function busy(message: string): DroverError {
  return new DroverError('unavailable', message, { reason: 'EGRESS_BUSY' });
}

function timedOut(message: string): DroverError {
  return new DroverError('deadline_exceeded', message, { reason: 'EGRESS_TIMEOUT' });
}
