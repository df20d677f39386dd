/** An exchange as its answerer holds it. exchanges.ts has the diagram and what always holds. */
import type { DroverError } from '#kernel/errors.ts';
import type {
  Answerer,
  AnswerWriter,
  RequestHead,
  RequestHandler,
  ResponseHead,
} from '#workers/exchange.ts';
import { MOST_WHOLE_BYTES } from './asked-exchange.ts';
import type { Link } from './frames.ts';
import { Inflow } from './inflow.ts';
import { Outflow } from './outflow.ts';
import { errorToWire } from './wire-error.ts';

export interface AnsweredOptions {
  readonly link: Link;
  readonly id: number;
  /** Called once, when no frame for this id means anything any more. */
  readonly onOver: (id: number) => void;
}

export class AnsweredExchange implements AnswerWriter {
  readonly #options: AnsweredOptions;
  readonly #isUpgrade: boolean;
  #handler: RequestHandler | undefined;
  /** Undefined for a request whose body came along, or that has none. */
  #up: Inflow | undefined;
  /** Undefined until an answer begins that comes in pieces. */
  #down: Outflow | undefined;
  #hasEnded = false;
  #isOver = false;

  constructor(head: RequestHead, body: Uint8Array | undefined, options: AnsweredOptions) {
    this.#options = options;
    this.#isUpgrade = head.isUpgrade === true;
    if (this.#isUpgrade) this.#down = new Outflow(options.link, options.id);
    if (this.#isUpgrade || (head.hasBody && body === undefined)) this.#up = new Inflow();
  }

  /** Apart from the constructor, since the answerer may answer before it returns. */
  start(answerer: Answerer, head: RequestHead, body: Uint8Array | undefined): void {
    this.#handler = answerer(head, body, this);
  }

  head(head: ResponseHead, body?: Uint8Array): void {
    if (this.#isOver || this.#down !== undefined) return;
    const { link, id } = this.#options;
    if (body !== undefined && body.length <= MOST_WHOLE_BYTES) {
      link.send({ type: 'response', id, head, body });
      this.#close();
      return;
    }
    link.send({ type: 'response', id, head, body: undefined });
    this.#down = new Outflow(link, id);
    if (body === undefined) return;
    this.#down.write(body);
    this.end();
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || this.#down === undefined ? true : this.#down.write(bytes);
  }

  end(): void {
    if (this.#isOver) return;
    this.#down?.end();
    this.#closeWhenDone();
  }

  fail(error: DroverError): void {
    if (this.#isOver) return;
    const { link, id } = this.#options;
    link.send({ type: 'fail', id, error: errorToWire(error) });
    this.#close();
  }

  consume(byteCount: number): void {
    if (this.#isOver || this.#hasEnded || this.#up === undefined) return;
    const granted = this.#up.consume(byteCount);
    if (granted === 0) return;
    this.#options.link.send({ type: 'credit', id: this.#options.id, byteCount: granted });
  }

  onData(bytes: Uint8Array): void {
    if (this.#up === undefined || this.#hasEnded) {
      throw new Error('wire: data came for a request that has no more');
    }
    this.#up.take(bytes.length);
    if (this.#isTold) this.#handler?.onData(bytes);
  }

  onEnd(): void {
    if (this.#up === undefined || this.#hasEnded) {
      throw new Error('wire: a request ended that has no body, or twice');
    }
    this.#hasEnded = true;
    const isTold = this.#isTold;
    this.#closeWhenDone();
    if (isTold) this.#handler?.onEnd();
  }

  onCredit(byteCount: number): void {
    if (this.#down === undefined) throw new Error('wire: credit came before the answer began');
    const mayGoOn = this.#down.grant(byteCount);
    this.#closeWhenDone();
    if (mayGoOn) this.#handler?.onDrain();
  }

  onAbort(): void {
    if (this.#isOver) return;
    const isTold = this.#isTold;
    this.#close();
    if (isTold) this.#handler?.onAbort();
  }

  /** Whoever ended the answer wants to hear no more, though some of it may still be on its way. */
  get #isTold(): boolean {
    return this.#isUpgrade || this.#down?.isEnding !== true;
  }

  #closeWhenDone(): void {
    if (this.#isOver || this.#down?.isDone !== true) return;
    if (!this.#isUpgrade || this.#hasEnded) this.#close();
  }

  #close(): void {
    this.#isOver = true;
    this.#options.onOver(this.#options.id);
  }
}
