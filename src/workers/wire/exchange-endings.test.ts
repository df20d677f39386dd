/** Exchanges whose frames, aborts, ends and failures fall in any order chance comes up with. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { createNoise, MemoryLink } from '#test/wire-fixture.ts';
import type {
  AnswerHandler,
  AnswerWriter,
  Exchange,
  RequestHandler,
  RequestHead,
} from '#workers/exchange.ts';
import { Exchanges } from './exchanges.ts';

type Noise = () => number;

const MOST_PIECE_BYTES = 600_000;
const PERIOD = 251;
const COUNTED = Buffer.from(
  Uint8Array.from({ length: PERIOD + MOST_PIECE_BYTES }, (_, at) => at % PERIOD),
);

/** Pieces of a body: each byte says which it is, so that a lost or doubled one shows. */
class Numbered {
  #next = 0;

  make(noise: Noise): Uint8Array {
    return this.#take(Math.floor(noise() ** 4 * MOST_PIECE_BYTES));
  }

  check(bytes: Uint8Array): void {
    assert.ok(this.#take(bytes.length).equals(bytes), 'bytes were lost, doubled or changed');
  }

  #take(length: number): Buffer {
    const start = this.#next % PERIOD;
    this.#next += length;
    return COUNTED.subarray(start, start + length);
  }
}

class Asker implements AnswerHandler {
  readonly #noise: Noise;
  readonly #received = new Numbered();
  readonly #sends = new Numbered();
  #unread = 0;
  #hasHead: boolean;
  #mayWrite = true;
  #hasEnded = false;
  exchange: Exchange | undefined;
  endings = 0;
  isAborted = false;

  constructor(noise: Noise, head: RequestHead) {
    this.#noise = noise;
    this.#hasHead = head.isUpgrade === true;
    this.#hasEnded = !head.hasBody && head.isUpgrade !== true;
  }

  get isOver(): boolean {
    return this.isAborted || this.endings > 0;
  }

  onHead(_head: unknown, body: Uint8Array | undefined): void {
    this.#expectOpen();
    assert.equal(this.#hasHead, false);
    this.#hasHead = true;
    if (body !== undefined) this.#received.check(body);
  }

  onData(bytes: Uint8Array): void {
    this.#expectOpen();
    assert.equal(this.#hasHead, true);
    this.#received.check(bytes);
    this.#unread += bytes.length;
  }

  onEnd(): void {
    this.#expectOpen();
    assert.equal(this.#hasHead, true);
    this.endings += 1;
  }

  onFail(): void {
    this.#expectOpen();
    this.endings += 1;
  }

  onDrain(): void {
    this.#expectOpen();
    this.#mayWrite = true;
  }

  act(): void {
    const chance = this.#noise();
    if (this.exchange === undefined) return;
    if (chance < 0.03 && !this.isOver) {
      this.isAborted = true;
      this.exchange.abort();
    } else if (chance < 0.4) {
      this.exchange.consume(this.#unread);
      this.#unread = 0;
    } else if (chance < 0.8 && this.#mayWrite && !this.#hasEnded) {
      this.#mayWrite = this.exchange.write(this.#sends.make(this.#noise));
    } else if (chance > 0.95) {
      this.#hasEnded = true;
      this.exchange.end();
    }
  }

  #expectOpen(): void {
    assert.equal(this.isOver, false, 'it was told more after the end');
  }
}

class Answering implements RequestHandler {
  readonly #noise: Noise;
  readonly #answer: AnswerWriter;
  readonly #received = new Numbered();
  readonly #sends = new Numbered();
  readonly #isUpgrade: boolean;
  #unread = 0;
  #mayWrite = true;
  #isAborted = false;
  #hasBegun: boolean;
  #hasEnded = false;
  #requestEnds = 0;

  constructor(noise: Noise, head: RequestHead, answer: AnswerWriter) {
    this.#noise = noise;
    this.#answer = answer;
    this.#isUpgrade = head.isUpgrade === true;
    this.#hasBegun = this.#isUpgrade;
  }

  onData(bytes: Uint8Array): void {
    this.#expectOpen();
    assert.equal(this.#requestEnds, 0);
    this.#received.check(bytes);
    this.#unread += bytes.length;
  }

  onEnd(): void {
    this.#expectOpen();
    this.#requestEnds += 1;
    assert.equal(this.#requestEnds, 1);
  }

  onAbort(): void {
    this.#expectOpen();
    this.#isAborted = true;
  }

  onDrain(): void {
    assert.equal(this.#isAborted || this.#hasEnded, false);
    this.#mayWrite = true;
  }

  act(): void {
    const chance = this.#noise();
    if (!this.#hasBegun) {
      if (chance > 0.3) return;
      this.#hasBegun = true;
      if (chance > 0.15) {
        this.#answer.head({ status: 200, headers: [] });
      } else {
        this.#hasEnded = true;
        if (chance < 0.02) this.#answer.fail(new DroverError('internal', 'it failed'));
        else this.#answer.head({ status: 200, headers: [] }, this.#sends.make(this.#noise));
      }
    } else if (chance < 0.4) {
      this.#answer.consume(this.#unread);
      this.#unread = 0;
    } else if (chance < 0.8 && this.#mayWrite && !this.#hasEnded) {
      this.#mayWrite = this.#answer.write(this.#sends.make(this.#noise));
    } else if (chance > 0.95) {
      this.#hasEnded = true;
      if (chance > 0.99) this.#answer.fail(new DroverError('internal', 'it failed'));
      else this.#answer.end();
    }
  }

  #expectOpen(): void {
    assert.equal(this.#isAborted, false, 'it was told more after the abort');
    assert.equal(this.#hasEnded && !this.#isUpgrade, false, 'it was told more after its end');
  }
}

function headFor(noise: Noise): RequestHead {
  const head = { method: 'GET', url: 'http://a/', headers: [], hasBody: noise() < 0.5 };
  return noise() < 0.2 ? { ...head, isUpgrade: true } : head;
}

/** Both sides ask each other, and sometimes one of them is lost. */
function play(seed: number): void {
  const noise = createNoise(seed);
  const links = { pool: new MemoryLink(), member: new MemoryLink() };
  const answering: Answering[] = [];
  const open = (side: 'pool' | 'member') =>
    new Exchanges({
      ...{ link: links[side], side, onFrame: () => undefined },
      answerer: (head, _body, answer) => {
        const handler = new Answering(noise, head, answer);
        answering.push(handler);
        return handler;
      },
    });
  const sides = { pool: open('pool'), member: open('member') };
  const askers: Asker[] = [];
  const begin = () => {
    const head = headFor(noise);
    const asker = new Asker(noise, head);
    asker.exchange = sides[noise() < 0.5 ? 'pool' : 'member'].begin(head, undefined, asker);
    askers.push(asker);
  };
  const lossAt = noise() < 0.3 ? noise() * 3000 : Infinity;
  const isLost = (step: number) => step >= lossAt;
  const isSettled = () => askers.every((asker) => asker.isOver);
  let step = 0;
  for (; !isLost(step) && (step < 300 || !isSettled()); step += 1) {
    assert.ok(step < 200_000, 'it never settled');
    const chance = noise();
    if (chance < 0.1 && step < 300) begin();
    else if (chance < 0.4) links.pool.take(links.member);
    else if (chance < 0.7) links.member.take(links.pool);
    else if (chance < 0.85) askers[Math.floor(noise() * askers.length)]?.act();
    else answering[Math.floor(noise() * answering.length)]?.act();
  }
  if (isLost(step)) {
    const gone = new DroverError('unavailable', 'it is gone');
    sides.pool.fail(gone);
    sides.member.fail(gone);
  } else {
    while (links.pool.take(links.member) || links.member.take(links.pool));
  }
  for (const asker of askers) assert.equal(asker.endings, asker.isAborted ? 0 : 1);
  assert.equal(sides.pool.size + sides.member.size, 0, 'something was never forgotten');
}

describe('Exchanges, whatever the order of things', () => {
  it('end exactly once, lose and double no byte, and are forgotten', () => {
    for (let seed = 1; seed <= 1000; seed += 1) {
      try {
        play(seed);
      } catch (thrown) {
        throw new Error(`seed ${seed}`, { cause: thrown });
      }
    }
  });
});
