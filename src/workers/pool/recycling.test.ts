import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { untilAborted } from '#kernel/abort.ts';
import { MIB } from '#kernel/units.ts';
import { PoolFixture, workerApp } from '#test/pool-fixture.ts';

const SHOP = 'shop@1.0.0';
const forever = new Promise<never>(() => undefined);

describe('recycling', () => {
  it('replaces a worker after its requests, the new one first', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, concurrency: 5, maxRequests: 3 }));
    const asked = [await fixture.asked(SHOP), await fixture.asked(SHOP)];
    const old = fixture.memberOf(SHOP);
    const gate = Promise.withResolvers<void>();
    fixture.processes.beforeLaunch = () => gate.promise;
    asked.push(await fixture.asked(SHOP));
    asked.push(await fixture.asked(SHOP));
    assert.equal(fixture.calls.at(-1)?.member, old, 'it goes on until another one is there');
    gate.resolve();
    await fixture.settle();
    asked.push(await fixture.asked(SHOP));
    assert.notEqual(fixture.calls.at(-1)?.member, old);
    assert.ok(!old.isEnded, 'it finishes what it has');
    await fixture.answerAll();
    assert.ok(asked.every(({ asker }) => asker.result === '200'));
    assert.ok(old.isEnded);
    assert.deepEqual(
      fixture.ended().map(({ endReason, requests }) => [endReason, requests]),
      [['max-requests', 4]],
    );
  });

  it('happens to one worker of an app at a time', async () => {
    await using fixture = new PoolFixture();
    const limits = { minWorkers: 3, maxWorkers: 3, maxRequests: 1 };
    fixture.pool.admit(workerApp(SHOP, limits));
    await fixture.settle();
    const gates: (() => void)[] = [];
    fixture.processes.beforeLaunch = async () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate.resolve);
      await gate.promise;
    };
    for (let each = 0; each < 3; each += 1) fixture.ask(SHOP);
    await fixture.settle();
    await fixture.answerAll();
    for (let each = 0; each < 3; each += 1) {
      assert.equal(gates.length, 1);
      assert.equal(fixture.live(SHOP).length, 4);
      gates.shift()?.();
      await fixture.settle();
    }
    assert.equal(fixture.ended().length, 3);
    assert.equal(fixture.live(SHOP).length, 3);
  });

  it('needs no new worker where there is nothing to do', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { maxMemoryBytes: 100 * MIB }));
    await fixture.asked(SHOP);
    await fixture.answerAll();
    fixture.memberOf(SHOP).rssBytes = 95 * MIB;
    await fixture.advance(1000);
    assert.equal(fixture.processes.launches, 1);
    assert.equal(fixture.live(SHOP).length, 0);
    assert.equal(fixture.ended()[0]?.endReason, 'max-memory');
  });

  it('keeps the old worker while the new one does not start', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1, maxWorkers: 1, maxRequests: 1 }));
    await fixture.settle();
    fixture.processes.script.load = () => Promise.reject(new Error('the disk is gone'));
    for (let each = 0; each < 3; each += 1) {
      const { asker } = await fixture.asked(SHOP);
      await fixture.answerNext();
      assert.equal(asker.result, '200');
      await fixture.advance(15_000);
    }
    assert.equal(fixture.pool.apps()[0]?.failing?.message, 'the disk is gone');
    delete fixture.processes.script.load;
    await fixture.advance(60_000);
    assert.equal(fixture.ended().at(-1)?.endReason, 'max-requests');
    assert.equal(fixture.live(SHOP).length, 1);
  });

  it('ends the old worker first where there is no room for two', async () => {
    await using fixture = new PoolFixture({ settings: { size: 1 } });
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1, maxWorkers: 1, maxRequests: 1 }));
    await fixture.settle();
    await fixture.asked(SHOP);
    await fixture.answerNext();
    assert.equal(fixture.ended().length, 0);
    await fixture.advance(12_000);
    assert.equal(fixture.ended().at(-1)?.endReason, 'max-requests');
    assert.equal(fixture.live(SHOP).length, 1);
    assert.equal(fixture.processes.mostMembers, 1);
  });

  it('goes on when the worker that is due, or the one that comes, dies', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1, maxWorkers: 1, maxRequests: 1 }));
    await fixture.settle();
    fixture.processes.beforeLaunch = (_options, signal) => untilAborted(forever, signal);
    await fixture.asked(SHOP);
    const old = fixture.processes.members.values().next().value;
    old?.crash('exit code 1');
    await fixture.settle();
    fixture.processes.beforeLaunch = () => undefined;
    await fixture.advance(60_000);
    assert.equal(fixture.live(SHOP).length, 1);
    await fixture.asked(SHOP);
    await fixture.advance(100);
    await fixture.answerAll();
    assert.ok(fixture.ended().some(({ endReason }) => endReason === 'max-requests'));
  });

  it('comes a tenth earlier or later by chance', async () => {
    for (const [chance, requests] of [
      [0, 90],
      [1, 110],
    ] as const) {
      await using fixture = new PoolFixture({
        chance: () => chance,
        script: { request: (call) => call.answer(200) },
      });
      fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, maxRequests: 100 }));
      while (fixture.processes.launches < 2) await fixture.asked(SHOP);
      await fixture.settle();
      assert.equal(fixture.ended()[0]?.requests, requests);
    }
  });
});

describe('a busy event loop', () => {
  it('gets its app another worker after ten seconds, and not a third at once', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP, { concurrency: 5, requestTimeoutMs: 600_000 }));
    await fixture.asked(SHOP);
    const run = async (seconds: number) => {
      for (let each = 0; each < seconds; each += 1) {
        for (const member of fixture.processes.members.values()) member.report(0.95);
        await fixture.advance(1000);
      }
    };
    await run(18);
    assert.equal(fixture.live(SHOP).length, 1);
    await run(4);
    assert.equal(fixture.live(SHOP).length, 2);
    await run(17);
    assert.equal(fixture.live(SHOP).length, 2);
    await run(5);
    assert.equal(fixture.live(SHOP).length, 3);
  });
});
