import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { PoolFixture, workerApp } from '#test/pool-fixture.ts';

const SHOP = 'shop@1.0.0';
const HEAD = { status: 200, headers: [] };

describe('the time of a request', () => {
  it('ends its worker, and tells it from those that were beside it', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, concurrency: 2, requestTimeoutMs: 5000 }));
    const slow = await fixture.asked(SHOP);
    await fixture.advance(3000);
    const beside = await fixture.asked(SHOP);
    const waiting = await fixture.asked(SHOP);
    const before = fixture.memberOf(SHOP);
    await fixture.advance(1900);
    assert.equal(slow.asker.result, 'pending');
    await fixture.advance(200);
    assert.equal(slow.asker.result, 'REQUEST_TIMEOUT');
    assert.equal(slow.asker.failures[0]?.kind, 'deadline_exceeded');
    assert.equal(beside.asker.result, 'WORKER_CRASHED');
    assert.ok(before.isEnded);
    assert.equal(fixture.ended()[0]?.endReason, 'timeout');
    fixture.calls.at(-1)?.answer(200);
    assert.equal(await waiting.asker.over(), '200');
  });

  it('does not count what it waited for a worker', async () => {
    await using fixture = new PoolFixture();
    const limits = { maxWorkers: 1, requestTimeoutMs: 5000, queueTimeoutMs: 8000 };
    fixture.pool.admit(workerApp(SHOP, limits));
    await fixture.asked(SHOP);
    const waiting = await fixture.asked(SHOP);
    await fixture.advance(4000);
    await fixture.answerNext();
    await fixture.advance(4000);
    await fixture.answerNext();
    assert.equal(waiting.asker.result, '200');
  });

  it('cuts an answer short that has begun, and spares a worker that reports', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, requestTimeoutMs: 5000 }));
    const { asker } = await fixture.asked(SHOP);
    const [call] = fixture.calls.splice(0);
    call?.send({ type: 'response', id: call.id, head: HEAD, body: undefined });
    await fixture.advance(4000);
    fixture.memberOf(SHOP).report(0.1);
    await fixture.advance(1100);
    assert.equal(asker.result, 'REQUEST_TIMEOUT');
    assert.equal(fixture.memberOf(SHOP).told.at(-1), 'abort');
    const next = await fixture.asked(SHOP);
    await fixture.answerNext();
    assert.equal(next.asker.result, '200');
  });

  it('spares a worker that reports from an asker who sends slowly', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, requestTimeoutMs: 5000 }));
    const { asker, exchange } = await fixture.asked(SHOP, { method: 'POST', hasBody: true });
    exchange.write(new Uint8Array(10));
    await fixture.advance(4000);
    fixture.memberOf(SHOP).report(0.1);
    await fixture.advance(1100);
    assert.equal(asker.result, 'REQUEST_TIMEOUT');
    assert.equal(fixture.live().length, 1);
    const whole = await fixture.asked(SHOP, { method: 'POST', hasBody: true });
    whole.exchange.end();
    await fixture.advance(4000);
    fixture.memberOf(SHOP).report(0.1);
    await fixture.advance(1100);
    assert.equal(whole.asker.result, 'REQUEST_TIMEOUT');
    assert.equal(fixture.live().length, 0);
  });

  it('ends a worker that fell silent after it began to answer', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, requestTimeoutMs: 5000 }));
    await fixture.asked(SHOP);
    const [call] = fixture.calls;
    call?.send({ type: 'response', id: call.id, head: HEAD, body: undefined });
    await fixture.advance(5100);
    assert.equal(fixture.ended()[0]?.endReason, 'timeout');
  });

  it('ends a worker that is stuck in what its asker gave up', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, requestTimeoutMs: 5000 }));
    const { exchange } = await fixture.asked(SHOP);
    fixture.memberOf(SHOP).isStuck = true;
    exchange.abort();
    await fixture.advance(7000);
    assert.equal(fixture.ended()[0]?.endReason, 'timeout');
  });

  it('leaves a worker alone that gave a sign after an asker gave up', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, requestTimeoutMs: 5000 }));
    const { exchange } = await fixture.asked(SHOP);
    exchange.abort();
    await fixture.advance(7000);
    assert.equal(fixture.live().length, 1);
  });

  it('does not apply to an upgrade that was answered', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, concurrency: 2, requestTimeoutMs: 5000 }));
    const socket = await fixture.asked(SHOP, { isUpgrade: true });
    const silent = await fixture.asked(SHOP, { isUpgrade: true });
    const [call] = fixture.calls;
    call?.send({ type: 'data', id: call.id, bytes: Buffer.from('HTTP/1.1 101\r\n\r\n') });
    await fixture.advance(4900);
    silent.exchange.abort();
    await fixture.advance(60_000);
    assert.equal(socket.asker.result, 'pending');
    assert.equal(fixture.pool.apps()[0]?.inFlight, 1);
    call?.send({ type: 'end', id: call.id });
    await fixture.settle();
    assert.equal(fixture.pool.apps()[0]?.inFlight, 1, 'the half of the asker goes on');
    socket.exchange.write(Buffer.from('bye'));
    socket.exchange.end();
    await fixture.settle();
    assert.equal(fixture.pool.apps()[0]?.inFlight, 0);
    assert.equal(fixture.memberOf(SHOP).told.at(-1), 'end');
    assert.equal(socket.asker.result, 'end');
  });
});

describe('the memory of a worker', () => {
  it('ends it when it is more than the app may have', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, maxMemoryBytes: 100 * MIB }));
    const { asker } = await fixture.asked(SHOP);
    fixture.memberOf(SHOP).rssBytes = 101 * MIB;
    await fixture.advance(1100);
    assert.equal(asker.result, 'WORKER_OUT_OF_MEMORY');
    const [ended] = fixture.ended();
    assert.equal(ended?.endReason, 'max-memory');
    assert.equal(ended?.memory?.rssBytes, 101 * MIB);
    assert.match(fixture.output.at(-1) ?? '', /^shop@\S+ stderr .*max_memory/);
    assert.equal(fixture.processes.members.size, 0);
  });

  it('is read of idle workers too, every ten seconds', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1, maxMemoryBytes: 100 * MIB }));
    await fixture.advance(1000);
    const [view] = fixture.live();
    assert.equal(view?.memory?.rssBytes, 50 * MIB);
    assert.equal(view?.memory?.source, 'process');
    fixture.memberOf(SHOP).rssBytes = 101 * MIB;
    await fixture.advance(8000);
    assert.equal(fixture.ended().length, 0);
    await fixture.advance(3000);
    assert.equal(fixture.ended().length, 1);
  });

  it('has the worker replaced at nine tenths, the new one first', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, maxMemoryBytes: 100 * MIB }));
    const { asker } = await fixture.asked(SHOP);
    const before = fixture.memberOf(SHOP);
    before.rssBytes = 95 * MIB;
    await fixture.advance(1100);
    assert.equal(fixture.live(SHOP).length, 2);
    assert.ok(fixture.live(SHOP).some(({ isDraining }) => isDraining));
    const next = await fixture.asked(SHOP);
    assert.notEqual(fixture.calls[1]?.member, before);
    await fixture.answerAll();
    assert.deepEqual([asker.result, next.asker.result], ['200', '200']);
    assert.ok(before.isEnded);
    assert.ok(before.told.includes('retire'));
  });

  it('is read of no more than eight members at a time', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 20, maxWorkers: 20 }));
    await fixture.settle();
    let reads = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    for (const member of fixture.processes.members.values()) {
      member.memory = async () => {
        most = Math.max(most, (reads += 1));
        const gate = Promise.withResolvers<void>();
        gates.push(gate.resolve);
        await gate.promise;
        reads -= 1;
        return undefined;
      };
    }
    await fixture.advance(1000);
    while (gates.length > 0) {
      gates.shift()?.();
      await fixture.settle();
    }
    assert.equal(most, 8);
  });
});
