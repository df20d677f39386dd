import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { bytesIn, ExchangePair, GET, OK, POST, Told, UPGRADE } from '#test/exchange-pair.ts';
import { openSocketLinks } from '#test/wire-fixture.ts';
import { Exchanges } from './exchanges.ts';
import { WINDOW_BYTES } from './outflow.ts';

describe('Exchanges', () => {
  it('hands on a whole request and a whole answer, one frame each', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    pair.pool.begin(GET, undefined, asker);
    assert.deepEqual(
      pair.poolLink.sent.map((frame) => frame.type),
      ['request'],
    );
    pair.settle();
    pair.answerer.answer.head(OK, Buffer.from('hello'));
    assert.deepEqual(
      pair.memberLink.sent.map((frame) => frame.type),
      ['response'],
    );
    pair.settle();
    assert.deepEqual(asker.events, ['head 200 5', 'end']);
    assert.deepEqual(pair.answerer.told.events, []);
    assert.equal(pair.pool.size + pair.member.size, 0);
  });

  it('streams both ways, each side ending by itself', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    const exchange = pair.pool.begin(POST, undefined, asker);
    exchange.write(Buffer.alloc(10));
    exchange.end();
    pair.settle();
    const { told, answer } = pair.answerer;
    answer.head(OK);
    answer.write(Buffer.alloc(20));
    answer.end();
    pair.settle();
    assert.deepEqual(told.events, ['data 10', 'end']);
    assert.deepEqual(asker.events, ['head 200 …', 'data 20', 'end']);
    assert.equal(pair.pool.size + pair.member.size, 0);
  });

  it('sends a long whole body in pieces under credit', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    pair.pool.begin(GET, Buffer.alloc(WINDOW_BYTES * 2), asker);
    pair.settle();
    const { told, answer, head } = pair.answerer;
    assert.equal(head.hasBody, true);
    assert.equal(bytesIn(told), WINDOW_BYTES);
    answer.consume(WINDOW_BYTES);
    pair.settle();
    assert.equal(bytesIn(told), WINDOW_BYTES * 2);
    assert.equal(told.events.at(-1), 'end');
    answer.head(OK, Buffer.alloc(WINDOW_BYTES + 1));
    pair.settle();
    assert.equal(bytesIn(asker), WINDOW_BYTES);
    assert.equal(asker.events.includes('end'), false);
  });

  it('tells a writer to wait when a window is unread, and to go on when half is read', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    const exchange = pair.pool.begin(POST, undefined, asker);
    assert.equal(exchange.write(Buffer.alloc(WINDOW_BYTES - 1000)), true);
    assert.equal(exchange.write(Buffer.alloc(2000)), false);
    pair.settle();
    assert.equal(bytesIn(pair.answerer.told), WINDOW_BYTES);
    pair.answerer.answer.consume(WINDOW_BYTES / 2 - 1);
    pair.settle();
    assert.deepEqual(asker.events, []);
    pair.answerer.answer.consume(1);
    pair.settle();
    assert.deepEqual(asker.events, ['drain']);
    assert.equal(bytesIn(pair.answerer.told), WINDOW_BYTES + 1000);
  });

  it('gives back all the credit of a thousand tiny pieces once they are read', () => {
    const pair = new ExchangePair();
    const exchange = pair.pool.begin(POST, undefined, new Told());
    let written = 0;
    while (exchange.write(Buffer.of(1))) written += 1;
    assert.ok(written < WINDOW_BYTES / 200, `${written} tiny pieces in a window`);
    pair.settle();
    pair.answerer.answer.consume(written + 1);
    pair.settle();
    assert.equal(exchange.write(Buffer.alloc(WINDOW_BYTES - 1000)), true);
  });

  it('does not believe that more was consumed than came', () => {
    const pair = new ExchangePair();
    const exchange = pair.pool.begin(POST, undefined, new Told());
    exchange.write(Buffer.alloc(WINDOW_BYTES));
    pair.settle();
    pair.answerer.answer.consume(Infinity);
    pair.answerer.answer.consume(Infinity);
    pair.settle();
  });

  it('ends with the answer, even when the request has not ended', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    const exchange = pair.pool.begin(POST, undefined, asker);
    pair.settle();
    const { told, answer } = pair.answerer;
    answer.head({ status: 413, headers: [] }, Buffer.alloc(0));
    exchange.write(Buffer.alloc(100));
    pair.settle();
    assert.deepEqual(asker.events, ['head 413 0', 'end']);
    assert.deepEqual(told.events, []);
    assert.equal(exchange.write(Buffer.alloc(WINDOW_BYTES * 2)), true);
    exchange.end();
    assert.deepEqual(pair.poolLink.sent, []);
  });

  it('tells the answerer once when the asker aborts, and the asker nothing more', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    const exchange = pair.pool.begin(GET, undefined, asker);
    pair.settle();
    const { told, answer } = pair.answerer;
    answer.head(OK);
    exchange.abort();
    exchange.abort();
    answer.write(Buffer.alloc(5));
    pair.settle();
    answer.fail(new DroverError('internal', 'too late'));
    pair.settle();
    assert.deepEqual(told.events, ['abort']);
    assert.deepEqual(asker.events, []);
    assert.equal(pair.pool.size + pair.member.size, 0);
  });

  it('hands on a failure with its kind and reason, before and after the head', () => {
    for (const isBegun of [false, true]) {
      const pair = new ExchangePair();
      const asker = new Told();
      pair.pool.begin(GET, undefined, asker);
      pair.settle();
      if (isBegun) pair.answerer.answer.head(OK);
      pair.answerer.answer.fail(new DroverError('internal', 'no', { reason: 'APP_ERROR' }));
      pair.settle();
      assert.equal(asker.events.at(-1), 'fail internal APP_ERROR');
      assert.equal(asker.events.length, isBegun ? 2 : 1);
    }
  });

  it('fails everything open when the link is gone, and what is begun later', async () => {
    const pair = new ExchangePair();
    const [open, late] = [new Told(), new Told()];
    pair.pool.begin(GET, undefined, open);
    pair.settle();
    const gone = new DroverError('unavailable', 'it is gone', { reason: 'WORKER_CRASHED' });
    pair.pool.fail(gone);
    pair.pool.fail(gone);
    pair.member.fail(gone);
    pair.pool.begin(GET, undefined, late);
    await Promise.resolve();
    assert.deepEqual(open.events, ['fail unavailable WORKER_CRASHED']);
    assert.deepEqual(late.events, ['fail unavailable WORKER_CRASHED']);
    assert.deepEqual(pair.answerer.told.events, ['abort']);
  });

  it('leaves frames of exchanges that are over alone', () => {
    const pair = new ExchangePair();
    for (const frame of [
      ...[{ type: 'end', id: 40 } as const, { type: 'credit', id: 41, byteCount: 5 } as const],
      { type: 'data', id: 40, bytes: Buffer.alloc(5) } as const,
      { type: 'response', id: 40, head: OK, body: undefined } as const,
    ]) {
      pair.poolLink.give(frame);
    }
  });

  it('passes on what belongs to tasks and to the life of a member', () => {
    const pair = new ExchangePair();
    pair.poolLink.give({ type: 'hello' });
    pair.poolLink.give({ type: 'result', id: 2 ** 31, value: 1 });
    pair.memberLink.give({ type: 'abort', id: 2 ** 31 });
    assert.deepEqual(pair.stray, ['hello', 'result', 'abort']);
  });
});

describe('Exchanges, for an upgrade', () => {
  it('carries bytes both ways without a head, the asker ending first', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    const exchange = pair.pool.begin(UPGRADE, undefined, asker);
    pair.settle();
    const { told, answer } = pair.answerer;
    answer.write(Buffer.alloc(3));
    exchange.write(Buffer.alloc(4));
    exchange.end();
    pair.settle();
    answer.write(Buffer.alloc(5));
    answer.end();
    pair.settle();
    assert.deepEqual(told.events, ['data 4', 'end']);
    assert.deepEqual(asker.events, ['data 3', 'data 5', 'end']);
    assert.equal(pair.pool.size + pair.member.size, 0);
  });

  it('answers an end of the answerer with an end', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    const exchange = pair.pool.begin(UPGRADE, undefined, asker);
    exchange.write(Buffer.alloc(4));
    pair.settle();
    const { told, answer } = pair.answerer;
    answer.end();
    exchange.write(Buffer.alloc(6));
    pair.settle();
    assert.deepEqual(told.events, ['data 4', 'data 6', 'end']);
    assert.deepEqual(asker.events, ['end']);
    assert.equal(pair.pool.size + pair.member.size, 0);
  });
});

describe('Exchanges over a socket', () => {
  it('holds no more than a window and a bit of 64 MiB that a slow reader is sent', async () => {
    await using links = await openSocketLinks();
    const total = 64 * 1024 * 1024;
    const piece = Buffer.alloc(100_000, 1);
    let written = 0;
    let consumed = 0;
    let most = 0;
    const done = Promise.withResolvers<void>();
    // A member that writes as fast as it may.
    const member = new Exchanges({
      ...{ link: links.member, side: 'member', onFrame: () => undefined },
      answerer: (_head, _body, answer) => {
        const pump = () => {
          while (written < total) {
            written += piece.length;
            if (!answer.write(piece)) return;
          }
          answer.end();
        };
        answer.head(OK);
        pump();
        return Object.assign(new Told(), { onDrain: pump });
      },
    });
    // An asker that deals with one piece a turn.
    const pool = new Exchanges({
      ...{ link: links.pool, side: 'pool', answerer: undefined, onFrame: () => undefined },
    });
    const exchange = pool.begin(
      GET,
      undefined,
      Object.assign(new Told(), {
        onData: (bytes: Uint8Array) => {
          most = Math.max(most, written - consumed);
          setImmediate(() => {
            consumed += bytes.length;
            exchange.consume(bytes.length);
          });
        },
        onEnd: () => done.resolve(),
      }),
    );
    await done.promise;
    assert.equal(consumed >= total - WINDOW_BYTES, true);
    assert.ok(most <= WINDOW_BYTES + 2 * piece.length, `${most} bytes under way`);
    assert.equal(member.size + pool.size, 0);
  });
});
