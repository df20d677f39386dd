/**
 * The exchanges of one link, those this side began and those the other side did.
 *
 *   asker    ── request ──┬─ data* ─ end ──────────────────▶     credit comes back for data
 *   answerer   ◀──────────┴─ response ─ data* ─ end | fail
 *   asker    ── abort ─────────────────────────────────────▶     at any time, the last frame
 *
 * What always holds:
 * - The asker is told `onEnd` or `onFail` exactly once, unless it aborted: then neither. The
 *   answerer is told `onAbort` at most once, and nothing after it ended or failed the answer; of
 *   an upgrade it is still told how the other half goes on and ends.
 * - The end of the answer is the end of the exchange for the asker: what is left of its request is
 *   not sent. Of an upgrade it is answered with an end, so that a socket closes in both directions.
 *   The request may end long before, which closes that half alone.
 * - No side has more than a window of a body unread, and a short body travels with its head.
 * - Frames for an exchange that is over are left alone, since they crossed with its end. Whatever
 *   else is out of order throws, which closes the link: see `Link.receive`.
 */
import { DroverError } from '#kernel/errors.ts';
import type { AnswerHandler, Answerer, Exchange, RequestHead } from '#workers/exchange.ts';
import { AnsweredExchange } from './answered-exchange.ts';
import { AskedExchange } from './asked-exchange.ts';
import { FIRST_TASK_ID, type Frame, type Link } from './frames.ts';
import { requestHeadProblem } from './head-check.ts';
import { refusedExchange } from './refused-exchange.ts';
import { errorToWire } from './wire-error.ts';

export type Side = 'pool' | 'member';

export interface ExchangesOptions {
  readonly link: Link;
  readonly side: Side;
  /** Undefined refuses what the other side asks. */
  readonly answerer: Answerer | undefined;
  /** Everything that belongs to no exchange, tasks included. */
  readonly onFrame: (frame: Frame) => void;
}

/** So many requests a member may have open; the pool's number is a matter of `concurrency`. */
export const MOST_ASKED_BY_MEMBER = 256;

/** Who sends what. A member that sends what is the pool's to send has broken the protocol. */
const SENT_BY = {
  hello: 'member',
  specialise: 'pool',
  specialised: 'member',
  rejected: 'member',
  request: 'either',
  response: 'either',
  data: 'either',
  end: 'either',
  credit: 'either',
  abort: 'either',
  fail: 'either',
  task: 'pool',
  progress: 'member',
  result: 'member',
  idle: 'pool',
  retire: 'pool',
  retired: 'member',
  stats: 'member',
} satisfies Record<Frame['type'], Side | 'either'>;

export class Exchanges {
  readonly #options: ExchangesOptions;
  readonly #asked = new Map<number, AskedExchange>();
  readonly #answered = new Map<number, AnsweredExchange>();
  readonly #onAskedOver = (id: number) => void this.#asked.delete(id);
  readonly #onAnsweredOver = (id: number) => void this.#answered.delete(id);
  readonly #parity: 0 | 1;
  #lastId: number;
  #failure: DroverError | undefined;

  constructor(options: ExchangesOptions) {
    this.#options = options;
    this.#parity = options.side === 'pool' ? 0 : 1;
    this.#lastId = this.#parity;
    options.link.receive((frame) => this.#receive(frame));
  }

  /** How many exchanges are open, of either side. */
  get size(): number {
    return this.#asked.size + this.#answered.size;
  }

  /** Throws for a head that cannot cross; any other failure is told by `onFail`, later. */
  begin(head: RequestHead, body: Uint8Array | undefined, handler: AnswerHandler): Exchange {
    const refusal = this.#failure ?? this.#tooMany();
    if (refusal !== undefined) return refusedExchange(handler, refusal);
    const id = this.#nextId();
    const exchange = new AskedExchange(head, body, {
      link: this.#options.link,
      id,
      handler,
      checksHeads: this.#options.side === 'pool',
      onOver: this.#onAskedOver,
    });
    this.#asked.set(id, exchange);
    return exchange;
  }

  /** The link is gone: everything open ends now, and whatever is begun later fails with it too. */
  fail(error: DroverError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const exchange of [...this.#asked.values()]) exchange.fail(error);
    for (const exchange of [...this.#answered.values()]) exchange.onAbort();
  }

  /** Numbers come round again on a link that lives long; one that is taken still is left out. */
  #nextId(): number {
    do {
      this.#lastId = (this.#lastId + 2) % FIRST_TASK_ID;
    } while (this.#asked.has(this.#lastId));
    return this.#lastId;
  }

  #tooMany(): DroverError | undefined {
    if (this.#options.side === 'pool' || this.#asked.size < MOST_ASKED_BY_MEMBER) return undefined;
    return new DroverError(
      'resource_exhausted',
      `at most ${MOST_ASKED_BY_MEMBER} requests can be under way at a time`,
      { reason: 'TOO_MANY_REQUESTS' },
    );
  }

  #receive(frame: Frame): void {
    if (this.#failure !== undefined) return;
    switch (frame.type) {
      case 'request':
        this.#onRequest(frame);
        break;
      case 'response':
        this.#asked.get(frame.id)?.onResponse(frame.head, frame.body);
        break;
      case 'data':
        this.#find(frame.id)?.onData(frame.bytes);
        break;
      case 'end':
        this.#find(frame.id)?.onEnd();
        break;
      case 'credit':
        this.#find(frame.id)?.onCredit(frame.byteCount);
        break;
      case 'abort': {
        const exchange = this.#answered.get(frame.id);
        if (exchange === undefined) this.#options.onFrame(frame);
        else exchange.onAbort();
        break;
      }
      case 'fail': {
        const exchange = this.#asked.get(frame.id);
        if (exchange === undefined) this.#options.onFrame(frame);
        else exchange.onFail(frame.error);
        break;
      }
      default:
        if (SENT_BY[frame.type] === this.#options.side) {
          throw new Error(`wire: ${frame.type} came from the wrong side`);
        }
        this.#options.onFrame(frame);
    }
  }

  #find(id: number): AskedExchange | AnsweredExchange | undefined {
    return this.#isOurs(id) ? this.#asked.get(id) : this.#answered.get(id);
  }

  #isOurs(id: number): boolean {
    return (id & 1) === this.#parity;
  }

  #onRequest({ id, head, body }: Frame & { readonly type: 'request' }): void {
    const { link, side, answerer } = this.#options;
    if (this.#isOurs(id) || this.#answered.has(id)) {
      throw new Error('wire: a request came under a number that is taken');
    }
    const isFromMember = side === 'pool';
    if (isFromMember && this.#answered.size >= MOST_ASKED_BY_MEMBER) {
      throw new Error(`wire: more than ${MOST_ASKED_BY_MEMBER} requests came at a time`);
    }
    const refusal = refusalOf(answerer, isFromMember ? requestHeadProblem(head) : undefined);
    if (answerer === undefined || refusal !== undefined) {
      link.send({ type: 'fail', id, error: errorToWire(refusal) });
      return;
    }
    const exchange = new AnsweredExchange(head, body, { link, id, onOver: this.#onAnsweredOver });
    this.#answered.set(id, exchange);
    exchange.start(answerer, isFromMember ? withoutCaller(head) : head, body);
  }
}

function refusalOf(answerer: Answerer | undefined, problem: string | undefined) {
  if (answerer === undefined) {
    return new DroverError('unimplemented', 'nothing can be asked of this side');
  }
  if (problem === undefined) return undefined;
  return new DroverError('invalid_argument', problem, { reason: 'INVALID_FIELD' });
}

/** Who a member says is asking is nothing to go by. */
function withoutCaller(head: RequestHead): RequestHead {
  const { caller: _caller, ...rest } = head;
  return rest;
}
