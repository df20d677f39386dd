import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PoolFixture, tasksApp, workerApp } from '#test/pool-fixture.ts';

const SHOP = 'shop@1.0.0';

describe('retiring an app', () => {
  it('ends what waits and what runs as it would, and takes nothing new', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    const taken = [await fixture.asked(SHOP), await fixture.asked(SHOP)];
    let isRetired = false;
    const retired = fixture.pool.retire(SHOP).then(() => (isRetired = true));
    assert.equal((await fixture.asked(SHOP)).asker.result, 'SHUTTING_DOWN');
    await fixture.answerNext();
    assert.ok(!isRetired);
    await fixture.answerNext();
    await retired;
    assert.deepEqual(
      taken.map(({ asker }) => asker.result),
      ['200', '200'],
    );
    assert.equal(fixture.ended()[0]?.endReason, 'removed');
    assert.equal((await fixture.asked(SHOP)).asker.result, 'APP_NOT_FOUND');
    assert.deepEqual(fixture.pool.apps(), []);
  });

  it('still starts a worker for what waits', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 2 }));
    const { asker } = fixture.ask(SHOP);
    const retired = fixture.pool.retire(SHOP);
    await fixture.settle();
    await fixture.answerNext();
    await retired;
    assert.equal(asker.result, '200');
  });

  it('does not get in the way of the same name admitted anew', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP));
    const before = await fixture.asked(SHOP);
    const retired = fixture.pool.retire(SHOP);
    fixture.pool.admit(workerApp(SHOP));
    const after = await fixture.asked(SHOP);
    assert.equal(fixture.pool.apps().length, 1);
    assert.equal(fixture.pool.apps()[0]?.inFlight, 2);
    await fixture.answerNext();
    await retired;
    assert.equal(before.asker.result, '200');
    await fixture.answerNext();
    assert.equal(after.asker.result, '200');
    assert.equal(fixture.live(SHOP).length, 1);
  });

  it('is harmless for what was never admitted, and twice', async () => {
    await using fixture = new PoolFixture();
    await fixture.pool.retire(SHOP);
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1 }));
    await fixture.settle();
    await Promise.all([fixture.pool.retire(SHOP), fixture.pool.retire(SHOP)]);
    assert.equal(fixture.pool.counts().total, 0);
  });

  it('gives the hook a second, then ends the worker', async () => {
    const script = { retire: () => new Promise<never>(() => undefined) };
    await using fixture = new PoolFixture({ script });
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1 }));
    await fixture.settle();
    const member = fixture.memberOf(SHOP);
    const retired = fixture.pool.retire(SHOP);
    await fixture.advance(900);
    assert.ok(!member.isEnded);
    await fixture.advance(200);
    assert.ok(member.isEnded);
    await retired;
  });

  it('cuts upgrades off after the time of a request', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { requestTimeoutMs: 5000 }));
    const { asker } = await fixture.asked(SHOP, { isUpgrade: true });
    const [call] = fixture.calls;
    call?.send({ type: 'data', id: call.id, bytes: Buffer.from('HTTP/1.1 101\r\n\r\n') });
    await fixture.settle();
    const retired = fixture.pool.retire(SHOP);
    await fixture.advance(4900);
    assert.equal(asker.result, 'pending');
    await fixture.advance(2000);
    await retired;
    assert.equal(asker.result, 'SHUTTING_DOWN');
  });
});

describe('draining the pool', () => {
  it('finishes what was taken, and leaves no member, timer or metric behind', async () => {
    const fixture = new PoolFixture({ settings: { warm: 2 } });
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    fixture.pool.admit(tasksApp({ minWorkers: 1 }));
    const taken = [await fixture.asked(SHOP), await fixture.asked(SHOP)];
    const drained = fixture.pool.drain();
    assert.equal((await fixture.asked(SHOP)).asker.result, 'SHUTTING_DOWN');
    await assert.rejects(fixture.pool.run({ module: 'm', name: 'n' }, 1), /shut down/);
    assert.throws(() => fixture.pool.admit(workerApp('late@1.0.0')), /shut down/);
    await fixture.answerAll();
    await drained;
    assert.deepEqual(
      taken.map(({ asker }) => asker.result),
      ['200', '200'],
    );
    assert.equal(fixture.processes.members.size + fixture.threads.members.size, 0);
    assert.equal(fixture.clock.pendingTimers, 0);
    assert.ok(fixture.ended().some(({ endReason }) => endReason === 'shutdown'));
    await fixture.pool.drain();
  });

  it('ends everything at once when it is told to', async () => {
    const fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    const taken = [await fixture.asked(SHOP), await fixture.asked(SHOP)];
    const cutOff = new AbortController();
    const drained = fixture.pool.drain(cutOff.signal);
    await fixture.settle();
    assert.equal(fixture.processes.members.size, 1);
    cutOff.abort();
    await drained;
    assert.deepEqual(
      taken.map(({ asker }) => asker.result),
      ['SHUTTING_DOWN', 'SHUTTING_DOWN'],
    );
    assert.equal(fixture.processes.members.size, 0);
  });
});
