/** What a member must not do, and what the pool makes of it when it does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExchangePair, GET, OK, POST, Told, UPGRADE } from '#test/exchange-pair.ts';
import { MemoryLink } from '#test/wire-fixture.ts';
import type { Answerer, RequestHead } from '#workers/exchange.ts';
import { Exchanges, MOST_ASKED_BY_MEMBER } from './exchanges.ts';
import { WINDOW_BYTES } from './outflow.ts';

describe('Exchanges, towards a member that breaks the rules', () => {
  /** A pool with one request under way in a member, whose frames the test makes up. */
  function openRequest(head: RequestHead) {
    const link = new MemoryLink();
    const answerer: Answerer = (_head, _body, answer) => {
      answer.head(OK);
      return new Told();
    };
    const pool = new Exchanges({ link, side: 'pool', answerer, onFrame: () => undefined });
    const asker = new Told();
    pool.begin(head, undefined, asker);
    const [request] = link.sent;
    assert.ok(request?.type === 'request');
    return { link, pool, asker, id: request.id };
  }

  it('throws for data before the answer, and for a second answer', () => {
    const { link, id } = openRequest(GET);
    assert.throws(() => link.give({ type: 'data', id, bytes: Buffer.alloc(1) }), /before/);
    assert.throws(() => link.give({ type: 'end', id }), /had not begun/);
    link.give({ type: 'response', id, head: OK, body: undefined });
    const again = { type: 'response', id, head: OK, body: undefined } as const;
    assert.throws(() => link.give(again), /began twice/);
  });

  it('throws for data beyond the window, and for data of no bytes', () => {
    const { link, id } = openRequest(UPGRADE);
    assert.throws(() => link.give({ type: 'data', id, bytes: Buffer.alloc(0) }), /no credit/);
    link.give({ type: 'data', id, bytes: Buffer.alloc(WINDOW_BYTES) });
    assert.throws(() => link.give({ type: 'data', id, bytes: Buffer.alloc(1) }), /no credit/);
  });

  it('throws for credit that nothing was sent for', () => {
    const { link, id } = openRequest(POST);
    assert.throws(() => link.give({ type: 'credit', id, byteCount: 1 }), /not sent/);
    const { link: other, id: bodiless } = openRequest(GET);
    assert.throws(() => other.give({ type: 'credit', id: bodiless, byteCount: 1 }), /without/);
  });

  it('throws for frames that only the pool sends, and for numbers of the pool', () => {
    const { link } = openRequest(GET);
    assert.throws(() => link.give({ type: 'retire' }), /wrong side/);
    const taken = { type: 'request', id: 2, head: GET, body: undefined } as const;
    assert.throws(() => link.give(taken), /taken/);
  });

  it('throws for more requests at a time than there may be', () => {
    const { link } = openRequest(GET);
    const ask = (id: number) => link.give({ type: 'request', id, head: GET, body: undefined });
    for (let count = 0; count < MOST_ASKED_BY_MEMBER; count += 1) ask(2 * count + 1);
    assert.throws(() => ask(9999), /more than 256/);
  });

  for (const [what, head] of [
    ['a status out of range', { status: 101, headers: [] }],
    ['a broken line in a header', { status: 200, headers: ['a', 'b\r\nc: d'] }],
    ['a wide character in a header', { status: 200, headers: ['a', '✗'] }],
    ['a name that is no token', { status: 200, headers: ['a b', 'c'] }],
    ['too many headers', { status: 200, headers: Array.from({ length: 402 }, () => 'a') }],
    ['too long headers', { status: 200, headers: ['a', 'b'.repeat(70_000)] }],
  ] as const) {
    it(`fails the one request whose answer has ${what}`, () => {
      const { link, asker, pool, id } = openRequest(GET);
      link.give({ type: 'response', id, head, body: Buffer.alloc(1) });
      assert.deepEqual(asker.events, ['fail internal APP_ERROR']);
      assert.equal(link.sent.at(-1)?.type, 'abort');
      assert.equal(pool.size, 0);
    });
  }

  it('does not believe a member who asks, and refuses heads that cannot be passed on', () => {
    let caller: unknown = 'nobody asked';
    const pair = new ExchangePair((head, _body, answer) => {
      caller = head.caller;
      answer.head(OK, Buffer.alloc(0));
      return new Told();
    });
    const [good, bad] = [new Told(), new Told()];
    pair.member.begin({ ...GET, caller: { kind: 'operator', id: 'me' } }, undefined, good);
    pair.member.begin({ ...GET, url: 'file:///etc/passwd' }, undefined, bad);
    pair.settle();
    assert.equal(caller, undefined);
    assert.deepEqual(good.events, ['head 200 0', 'end']);
    assert.deepEqual(bad.events, ['fail invalid_argument INVALID_FIELD']);
  });

  it('refuses what is asked where nobody answers', () => {
    const pair = new ExchangePair();
    const asker = new Told();
    pair.member.begin(GET, undefined, asker);
    pair.settle();
    assert.deepEqual(asker.events, ['fail unimplemented UNIMPLEMENTED']);
  });

  it('lets an honest member not get there', async () => {
    const pair = new ExchangePair();
    const last = new Told();
    for (let count = 0; count < MOST_ASKED_BY_MEMBER; count += 1) {
      pair.member.begin(GET, undefined, new Told());
    }
    pair.member.begin(GET, undefined, last);
    await Promise.resolve();
    assert.deepEqual(last.events, ['fail resource_exhausted TOO_MANY_REQUESTS']);
  });
});
