/** A pool that asks and a member that answers, over a link that the test moves along. */
import assert from 'node:assert/strict';
import type { DroverError } from '#kernel/errors.ts';
import type {
  AnswerHandler,
  Answerer,
  AnswerWriter,
  RequestHandler,
  RequestHead,
} from '#workers/exchange.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';
import { MemoryLink } from './wire-fixture.ts';

export const GET: RequestHead = { method: 'GET', url: 'http://a/', headers: [], hasBody: false };
export const POST: RequestHead = { ...GET, method: 'POST', hasBody: true };
export const UPGRADE: RequestHead = { ...GET, isUpgrade: true };
export const OK = { status: 200, headers: ['set-cookie', 'a=1', 'set-cookie', 'b=2'] };

/** What a side was told, in words. */
export class Told implements AnswerHandler, RequestHandler {
  readonly events: string[] = [];
  onHead(head: { readonly status: number }, body: Uint8Array | undefined): void {
    this.events.push(`head ${head.status} ${body === undefined ? '…' : body.length}`);
  }
  onData(bytes: Uint8Array): void {
    this.events.push(`data ${bytes.length}`);
  }
  onEnd(): void {
    this.events.push('end');
  }
  onFail(error: DroverError): void {
    this.events.push(`fail ${error.kind} ${error.reason}`);
  }
  onAbort(): void {
    this.events.push('abort');
  }
  onDrain(): void {
    this.events.push('drain');
  }
}

/** Both sides; the member answers as the test tells it. */
export class ExchangePair {
  readonly poolLink = new MemoryLink();
  readonly memberLink = new MemoryLink();
  readonly answerers: { told: Told; answer: AnswerWriter; head: RequestHead }[] = [];
  readonly stray: string[] = [];
  readonly pool: Exchanges;
  readonly member: Exchanges;

  constructor(answererOfPool?: Answerer) {
    this.pool = new Exchanges({
      ...{ link: this.poolLink, side: 'pool', answerer: answererOfPool },
      onFrame: (frame) => this.stray.push(frame.type),
    });
    this.member = new Exchanges({
      ...{ link: this.memberLink, side: 'member' },
      answerer: (head, _body, answer) => {
        const told = new Told();
        this.answerers.push({ told, answer, head });
        return told;
      },
      onFrame: (frame) => this.stray.push(frame.type),
    });
  }

  /** The newest request at the member. */
  get answerer() {
    const newest = this.answerers.at(-1);
    assert.ok(newest);
    return newest;
  }

  /** Until nothing is under way. */
  settle(): void {
    while (this.memberLink.take(this.poolLink) || this.poolLink.take(this.memberLink));
  }
}

/** Of the body that was told of. */
export function bytesIn({ events }: Told): number {
  let sum = 0;
  for (const event of events) if (event.startsWith('data ')) sum += Number(event.slice(5));
  return sum;
}
