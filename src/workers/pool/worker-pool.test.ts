import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PoolFixture, workerApp } from '#test/pool-fixture.ts';

const SHOP = 'shop@1.0.0';

describe('a worker pool', () => {
  it('starts a worker for the first request of an app and uses it for the next', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP));
    assert.equal(fixture.pool.counts().total, 0);
    const first = await fixture.asked(SHOP);
    await fixture.answerNext();
    assert.equal(await first.asker.over(), '200');
    const second = await fixture.asked(SHOP);
    await fixture.answerNext();
    assert.equal(await second.asker.over(), '200');
    assert.equal(fixture.processes.launches, 1);
    assert.deepEqual(fixture.memberOf(SHOP).told, ['specialise', 'request', 'request']);
    assert.equal(fixture.live()[0]?.requests, 2);
  });

  it('keeps as many workers as an app wants at least, and refills them', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 2 }));
    await fixture.settle();
    assert.deepEqual(fixture.pool.counts(), {
      size: 50,
      active: 0,
      idle: 2,
      creating: 0,
      total: 2,
    });
    fixture.member(fixture.live()[0]?.id ?? '').crash('exit code 1');
    await fixture.settle();
    assert.equal(fixture.live(SHOP).length, 2);
    assert.ok(fixture.output.includes(`${SHOP} stderr a worker ended by itself: exit code 1`));
  });

  it('gives work to the worker with least, and among these to the one used last', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 2, concurrency: 2 }));
    await fixture.settle();
    await fixture.asked(SHOP);
    const [first] = fixture.calls;
    await fixture.asked(SHOP);
    assert.notEqual(fixture.calls[1]?.member, first?.member);
    await fixture.answerAll();
    for (let each = 0; each < 5; each += 1) {
      await fixture.asked(SHOP);
      const [call] = fixture.calls;
      await fixture.answerNext();
      assert.notEqual(call?.member, first?.member, 'the one used longest ago grows idle');
    }
  });

  it('starts no more workers than there is work waiting, nor than an app may have', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP));
    for (let each = 0; each < 3; each += 1) fixture.ask(SHOP);
    await fixture.settle();
    assert.equal(fixture.processes.launches, 3);
    for (let each = 0; each < 10; each += 1) fixture.ask(SHOP);
    await fixture.settle();
    assert.equal(fixture.processes.launches, 4);
    assert.equal(fixture.pool.apps()[0]?.queued, 9);
  });

  it('serves the queue in the order in which it came', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    for (const url of ['1', '2', '3', '4']) fixture.ask(SHOP, { url: `http://app/${url}` });
    const served: (string | undefined)[] = [];
    await fixture.settle();
    while (fixture.calls.length > 0) {
      served.push(fixture.calls[0]?.head.url.slice(-1));
      await fixture.answerNext();
    }
    assert.deepEqual(served, ['1', '2', '3', '4']);
  });

  it('refuses what the queue has no place for, and what has waited for too long', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, queueLimit: 1, queueTimeoutMs: 5000 }));
    await fixture.asked(SHOP);
    const waiting = await fixture.asked(SHOP);
    const refused = await fixture.asked(SHOP);
    assert.equal(refused.asker.result, 'QUEUE_FULL');
    assert.equal(refused.asker.failures[0]?.metadata['retryAfter'], '1');
    await fixture.advance(4900);
    assert.equal(waiting.asker.result, 'pending');
    await fixture.advance(200);
    assert.equal(waiting.asker.result, 'QUEUE_TIMEOUT');
    assert.equal(fixture.pool.apps()[0]?.queued, 0);
  });

  it('takes what is aborted out of the queue, and tells a member that it is', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    const running = await fixture.asked(SHOP);
    const waiting = await fixture.asked(SHOP);
    waiting.exchange.abort();
    assert.equal(fixture.pool.apps()[0]?.queued, 0);
    running.exchange.abort();
    await fixture.settle();
    assert.deepEqual(fixture.memberOf(SHOP).told, ['specialise', 'request', 'abort']);
    assert.deepEqual([running.asker.result, waiting.asker.result], ['pending', 'pending']);
    assert.equal(fixture.pool.counts().idle, 1);
  });

  it('keeps a window of a body while it waits, and asks for more once it runs', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    await fixture.asked(SHOP);
    const { asker, exchange } = await fixture.asked(SHOP, { method: 'POST', hasBody: true });
    assert.equal(exchange.write(new Uint8Array(60 * 1024)), true);
    assert.equal(exchange.write(new Uint8Array(10 * 1024)), false);
    assert.equal(asker.drains, 0);
    await fixture.answerNext();
    assert.equal(asker.drains, 1);
    exchange.end();
    await fixture.settle();
    const told = fixture.memberOf(SHOP).told.slice(2);
    assert.deepEqual(told, ['request', 'data', 'data', 'end']);
    await fixture.answerAll();
    assert.equal(asker.result, '200');
  });

  it('knows no app that was not admitted, and admits none twice', async () => {
    await using fixture = new PoolFixture();
    const { asker } = fixture.ask(SHOP);
    assert.equal(asker.isOver, false, 'told only when the asker holds the exchange');
    assert.equal(await asker.over(), 'APP_NOT_FOUND');
    fixture.pool.admit(workerApp(SHOP));
    assert.throws(() => fixture.pool.admit(workerApp(SHOP)), /already/);
  });

  it('lets an asker ask again from within every callback', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, queueLimit: 1 }));
    const results: string[] = [];
    const askAgain = (left: number) => {
      const { asker } = fixture.ask(SHOP);
      asker.onOver = () => {
        results.push(asker.result);
        if (left > 0) askAgain(left - 1);
      };
    };
    for (let each = 0; each < 4; each += 1) askAgain(5);
    await fixture.settle();
    await fixture.answerAll();
    assert.equal(results.length, 24);
    assert.equal(fixture.pool.apps()[0]?.inFlight, 0);
  });

  it('fails what a worker had when it crashes, and nothing else', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, concurrency: 2 }));
    const lost = [await fixture.asked(SHOP), await fixture.asked(SHOP)];
    const waiting = await fixture.asked(SHOP);
    const before = fixture.memberOf(SHOP);
    before.crash('signal SIGSEGV');
    await fixture.settle();
    assert.deepEqual(
      lost.map(({ asker }) => asker.result),
      ['WORKER_CRASHED', 'WORKER_CRASHED'],
    );
    assert.equal(waiting.asker.result, 'pending');
    assert.deepEqual(fixture.memberOf(SHOP).told, ['specialise', 'request']);
    assert.equal(fixture.ended()[0]?.endReason, 'crashed');
    fixture.calls.at(-1)?.answer(200);
    await fixture.settle();
    assert.equal(waiting.asker.result, '200');
  });

  it('takes a member that breaks the protocol for one that crashed', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP));
    const { asker } = await fixture.asked(SHOP);
    fixture.memberOf(SHOP).send({ type: 'end', id: fixture.calls[0]?.id ?? 0 });
    await fixture.settle();
    assert.equal(asker.result, 'WORKER_CRASHED');
  });

  it('ends an idle worker after its time, down to the least, with its hooks called', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1, idleTimeoutMs: 20_000 }));
    await fixture.settle();
    fixture.ask(SHOP);
    fixture.ask(SHOP);
    await fixture.settle();
    await fixture.answerAll();
    const members = [...fixture.processes.members.values()];
    assert.equal(members.length, 2);
    await fixture.advance(9000);
    assert.ok(members.every(({ told }) => !told.includes('idle')));
    await fixture.advance(2000);
    assert.ok(members.every(({ told }) => told.filter((type) => type === 'idle').length === 1));
    assert.equal(fixture.live().length, 2);
    await fixture.advance(11_000);
    assert.equal(fixture.live().length, 1);
    assert.equal(fixture.ended()[0]?.endReason, 'idle');
    const [gone] = members.filter(({ isEnded }) => isEnded);
    assert.deepEqual(gone?.told.slice(-2), ['idle', 'retire']);
    await fixture.advance(120_000);
    assert.equal(fixture.live().length, 1, 'the least is kept');
    assert.deepEqual(fixture.ended(), [], 'ended ones are shown for a minute');
  });
});
