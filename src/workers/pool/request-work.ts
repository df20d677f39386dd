/**
 * A request between the asker and the member that answers it. While it waits for a worker it keeps
 * a window of what the asker writes, and asks for more only when a worker has it.
 */
import { toDroverError, type DroverError } from '#kernel/errors.ts';
import type { AnswerHandler, Exchange, RequestHead, ResponseHead } from '#workers/exchange.ts';
import type { PoolWorker } from './pool-worker.ts';
import { Work, type Outcome, type WorkOwner } from './work.ts';

/** A request may wait with so much of its body, give or take one piece. */
const WAITING_BYTES = 64 * 1024;

export interface AskedRequest {
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  readonly handler: AnswerHandler;
}

export class RequestWork extends Work implements Exchange, AnswerHandler {
  readonly #handler: AnswerHandler;
  #asked: AskedRequest | undefined;
  #inner: Exchange | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isEnded = false;
  #hasBegunToAnswer = false;
  readonly #hasBody: boolean;
  readonly #isUpgrade: boolean;
  /** Of an upgrade: the answerer's half has ended. */
  #isAnswerOver = false;
  /** The asker was told to wait, and nobody below knows of it. */
  #owesDrain = false;
  #isAborted = false;

  constructor(owner: WorkOwner, nowMs: number, asked: AskedRequest) {
    super(owner, nowMs);
    this.#asked = asked;
    this.#handler = asked.handler;
    this.#isUpgrade = asked.head.isUpgrade === true;
    this.#hasBody = asked.head.hasBody;
  }

  override get isUpToAsker(): boolean {
    return this.#hasBegunToAnswer || (this.#hasBody && !this.#isEnded);
  }

  begin(worker: PoolWorker): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    // The body is the member's now, and must not be kept for as long as the answer takes.
    this.#asked = undefined;
    try {
      const inner = worker.exchanges.begin(asked.head, asked.body, this);
      if (this.isDone) {
        inner.abort();
        return;
      }
      this.#inner = inner;
      this.#handOn(inner);
    } catch (thrown) {
      // A head that cannot cross.
      this.onFail(toDroverError(thrown));
    }
  }

  write(bytes: Uint8Array): boolean {
    if (this.isDone) return true;
    if (this.#inner !== undefined) return this.#inner.write(bytes);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes < WAITING_BYTES) return true;
    this.#owesDrain = true;
    return false;
  }

  end(): void {
    this.#isEnded = true;
    this.#inner?.end();
    if (this.#isAnswerOver) this.#leave('answered');
  }

  consume(byteCount: number): void {
    this.#inner?.consume(byteCount);
  }

  abort(): void {
    this.#isAborted = true;
    if (this.isDone) return;
    this.#inner?.abort();
    this.#leave(this.#isAnswerOver ? 'answered' : 'cancelled');
  }

  fail(error: DroverError, outcome: Outcome): void {
    if (this.isDone) return;
    this.#inner?.abort();
    if (this.#leave(outcome)) this.#tell(error);
  }

  onHead(head: ResponseHead, body: Uint8Array | undefined): void {
    if (this.isDone) return;
    this.#hasBegunToAnswer = true;
    this.#handler.onHead(head, body);
  }

  onData(bytes: Uint8Array): void {
    if (this.isDone) return;
    this.#becomeOpenEnded();
    this.#handler.onData(bytes);
  }

  onEnd(): void {
    if (this.isDone) return;
    if (this.#isUpgrade && !this.#isEnded) {
      // The asker's half goes on until it ends as well.
      this.#becomeOpenEnded();
      this.#isAnswerOver = true;
    } else {
      this.#leave('answered');
    }
    this.#handler.onEnd();
  }

  onFail(error: DroverError): void {
    if (this.#leave('failed')) this.#tell(error);
  }

  onDrain(): void {
    if (!this.isDone) this.#handler.onDrain();
  }

  /** An upgrade has no head: it is answered when its first bytes come. */
  #becomeOpenEnded(): void {
    if (this.#hasBegunToAnswer) return;
    this.#hasBegunToAnswer = true;
    this.owner.exempt(this);
  }

  #handOn(inner: Exchange): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let isFlowing = true;
    for (const bytes of waiting) isFlowing = inner.write(bytes);
    if (this.#isEnded) inner.end();
    // If the member cannot take more now, it says itself when it can.
    else if (this.#owesDrain && isFlowing && !this.isDone) this.#handler.onDrain();
  }

  #leave(outcome: Outcome): boolean {
    this.#inner = undefined;
    this.#asked = undefined;
    this.#waiting = [];
    return this.finish(outcome);
  }

  /** Later, so that whatever the asker does then cannot disturb what led here. */
  #tell(error: DroverError): void {
    if (this.#isAnswerOver) return;
    queueMicrotask(() => {
      if (!this.#isAborted) this.#handler.onFail(error);
    });
  }
}
