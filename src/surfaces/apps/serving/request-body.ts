/**
 * The body of a request on its way to an app: a short one is read whole and goes along with the
 * head, which spares the pool three messages; of a longer one the app reads at its own speed.
 */
import { Http2ServerRequest } from 'node:http2';
import type { Clock, Timer } from '#kernel/clock.ts';
import { liftBodyDeadline } from '#surfaces/edge/body-deadline.ts';
import type { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { bodyStalled, STALL_MS } from '#surfaces/edge/long-body.ts';
import type { Exchange } from '#workers/exchange.ts';
import { discardRest } from '#surfaces/edge/discard-rest.ts';
import type { RawRequest, RawResponse } from './raw-http.ts';

const SHORT_BYTES = 64 * 1024;
export function hasBody(raw: RawRequest): boolean {
  if (raw instanceof Http2ServerRequest) return !raw.stream.endAfterHeaders;
  const { headers } = raw;
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

export function isShort(raw: RawRequest): boolean {
  const length = raw.headers['content-length'];
  return length !== undefined && Number(length) <= SHORT_BYTES;
}

/** Calls with the whole body; never, when the caller goes before it is whole. */
export function readWhole(raw: RawRequest, call: (body: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  raw.on('data', (chunk: Buffer) => chunks.push(chunk));
  raw.once('end', () => {
    const [only] = chunks;
    call(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
  });
}

export interface StreamedBodyOptions {
  readonly raw: RawRequest;
  readonly clock: Clock;
  readonly onStall: (refusal: HttpRefusal) => void;
}

export class StreamedBody {
  readonly #options: StreamedBodyOptions;
  #exchange: Exchange | undefined;
  #timer: Timer | undefined;
  #isStill = false;
  #isOver = false;

  constructor(options: StreamedBodyOptions) {
    this.#options = options;
  }

  /** From here on the deadline of the edge is this one's to keep. */
  begin(exchange: Exchange): void {
    if (this.#isOver) return;
    const { raw } = this.#options;
    this.#exchange = exchange;
    liftBodyDeadline(raw);
    this.#watch();
    raw.on('data', (chunk: Buffer) => this.#pass(chunk));
    raw.once('end', () => this.#end());
    raw.once('close', () => this.#timer?.cancel());
  }

  resume(): void {
    this.#isStill = false;
    if (!this.#isOver) this.#options.raw.resume();
  }

  /** Nobody needs the rest, once the answer is out. */
  drop(response: RawResponse): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    const { raw, clock } = this.#options;
    discardRest(raw, response, clock);
  }

  #pass(chunk: Buffer): void {
    this.#isStill = false;
    if (this.#isOver || this.#exchange === undefined) return;
    if (!this.#exchange.write(chunk)) this.#options.raw.pause();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#exchange?.end();
  }

  /** While it is the app that does not read, nothing is amiss. */
  #watch(): void {
    const { raw, clock, onStall } = this.#options;
    this.#timer = clock.every(STALL_MS, () => {
      if (this.#isStill && !raw.isPaused()) {
        onStall(bodyStalled());
      }
      this.#isStill = true;
    });
  }
}
