/** An exchange as its asker holds it. exchanges.ts has the diagram and what always holds. */
import { DroverError } from '#kernel/errors.ts';
import type { AnswerHandler, Exchange, RequestHead, ResponseHead } from '#workers/exchange.ts';
import type { Link, WireError } from './frames.ts';
import { responseHeadProblem } from './head-check.ts';
import { Inflow } from './inflow.ts';
import { Outflow } from './outflow.ts';
import { wireToError } from './wire-error.ts';

/** A body up to this length travels in one frame with its head. */
export const MOST_WHOLE_BYTES = 64 * 1024;

export interface AskedOptions {
  readonly link: Link;
  readonly id: number;
  readonly handler: AnswerHandler;
  /** The answerer may be anybody's code: its heads are looked at before they go on. */
  readonly checksHeads: boolean;
  /** Called once, when no frame for this id means anything any more. */
  readonly onOver: (id: number) => void;
}

export class AskedExchange implements Exchange {
  readonly #options: AskedOptions;
  readonly #isUpgrade: boolean;
  /** Undefined for a request whose body came along, or that has none. */
  #up: Outflow | undefined;
  /** Undefined until it is known that an answer comes in pieces. */
  #down: Inflow | undefined;
  #isOver = false;

  constructor(head: RequestHead, body: Uint8Array | undefined, options: AskedOptions) {
    this.#options = options;
    const { link, id } = options;
    this.#isUpgrade = head.isUpgrade === true;
    if (this.#isUpgrade) this.#down = new Inflow();
    const isLong = body !== undefined && body.length > MOST_WHOLE_BYTES;
    if (this.#isUpgrade || head.hasBody || isLong) this.#up = new Outflow(link, id);
    if (this.#up === undefined) {
      link.send({ type: 'request', id, head, body });
      return;
    }
    link.send({ type: 'request', id, head: { ...head, hasBody: true }, body: undefined });
    if (body === undefined) return;
    this.#up.write(body);
    if (!head.hasBody && !this.#isUpgrade) this.#up.end();
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || this.#up === undefined ? true : this.#up.write(bytes);
  }

  end(): void {
    if (!this.#isOver) this.#up?.end();
  }

  consume(byteCount: number): void {
    if (this.#isOver || this.#down === undefined) return;
    const granted = this.#down.consume(byteCount);
    if (granted === 0) return;
    this.#options.link.send({ type: 'credit', id: this.#options.id, byteCount: granted });
  }

  abort(): void {
    if (this.#isOver) return;
    this.#options.link.send({ type: 'abort', id: this.#options.id });
    this.#close();
  }

  onResponse(head: ResponseHead, body: Uint8Array | undefined): void {
    if (this.#down !== undefined) throw new Error('wire: an answer began twice');
    const problem = this.#options.checksHeads ? responseHeadProblem(head) : undefined;
    if (problem !== undefined) {
      this.abort();
      this.#options.handler.onFail(
        new DroverError('internal', `the answer cannot be passed on: ${problem}`, {
          reason: 'APP_ERROR',
        }),
      );
      return;
    }
    if (body === undefined) {
      this.#down = new Inflow();
      this.#options.handler.onHead(head, undefined);
      return;
    }
    this.#close();
    this.#options.handler.onHead(head, body);
    this.#options.handler.onEnd();
  }

  onData(bytes: Uint8Array): void {
    if (this.#down === undefined) throw new Error('wire: data came before the answer began');
    this.#down.take(bytes.length);
    this.#options.handler.onData(bytes);
  }

  onEnd(): void {
    if (this.#down === undefined) throw new Error('wire: an answer ended that had not begun');
    const { link, id } = this.#options;
    if (this.#isUpgrade && this.#up?.isDone !== true) link.send({ type: 'end', id });
    this.#close();
    this.#options.handler.onEnd();
  }

  onCredit(byteCount: number): void {
    if (this.#up === undefined) throw new Error('wire: credit came for a request without a body');
    if (this.#up.grant(byteCount)) this.#options.handler.onDrain();
  }

  onFail(error: WireError): void {
    this.fail(wireToError(error));
  }

  fail(error: DroverError): void {
    if (this.#isOver) return;
    this.#close();
    this.#options.handler.onFail(error);
  }

  #close(): void {
    this.#isOver = true;
    this.#up = undefined;
    this.#options.onOver(this.#options.id);
  }
}
