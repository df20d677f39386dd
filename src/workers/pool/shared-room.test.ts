import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { PoolFixture, workerApp } from '#test/pool-fixture.ts';

const keyOf = (index: number) => `app-${index}@1.0.0`;

describe('the room that apps share', () => {
  it('is taken from the idle worker that was used least recently, exactly', async () => {
    await using fixture = new PoolFixture({ settings: { size: 3 } });
    for (let index = 0; index < 6; index += 1) fixture.pool.admit(workerApp(keyOf(index)));
    const use = async (index: number) => {
      const { asker } = await fixture.asked(keyOf(index));
      await fixture.answerNext();
      assert.equal(asker.result, '200');
      await fixture.advance(10);
    };
    const held = () =>
      fixture
        .live()
        .map(({ app }) => app.slice(4, 5))
        .toSorted()
        .join('');
    for (const index of [0, 1, 2]) await use(index);
    await use(0);
    await use(3);
    assert.equal(held(), '023', 'app 1 was used least recently');
    await use(2);
    await use(4);
    assert.equal(held(), '234', 'then app 0');
    await use(5);
    assert.equal(held(), '245', 'then app 3');
    assert.deepEqual(
      fixture.ended().map(({ endReason }) => endReason),
      ['evicted', 'evicted', 'evicted'],
    );
    assert.equal(fixture.processes.mostMembers, 3, 'those on their way out included');
  });

  it('never takes a worker that has work', async () => {
    await using fixture = new PoolFixture({ settings: { size: 2 } });
    for (let index = 0; index < 3; index += 1) fixture.pool.admit(workerApp(keyOf(index)));
    const busy = [await fixture.asked(keyOf(0)), await fixture.asked(keyOf(1))];
    const waiting = await fixture.asked(keyOf(2));
    await fixture.advance(5000);
    assert.equal(waiting.asker.result, 'pending');
    await fixture.answerNext();
    assert.equal(busy[0]?.asker.result, '200');
    assert.equal(fixture.live(keyOf(0)).length, 0, 'the next that has nothing to do goes');
    await fixture.answerAll();
    assert.equal(waiting.asker.result, '200');
    assert.equal(busy[1]?.asker.result, '200');
  });

  it('leaves apps their least number, except to one that has nobody and work', async () => {
    await using fixture = new PoolFixture({ settings: { size: 2 } });
    fixture.pool.admit(workerApp(keyOf(0), { minWorkers: 1 }));
    fixture.pool.admit(workerApp(keyOf(1)));
    await fixture.settle();
    const first = await fixture.asked(keyOf(1));
    await fixture.asked(keyOf(1));
    assert.equal(fixture.live(keyOf(0)).length, 1, 'app 1 has a worker already');
    await fixture.answerNext();
    assert.equal(first.asker.result, '200');
    fixture.pool.admit(workerApp(keyOf(2), { minWorkers: 1 }));
    await fixture.advance(3000);
    assert.equal(fixture.live(keyOf(2)).length, 0, 'it wants one, and has no work');
    await fixture.asked(keyOf(2));
    assert.equal(fixture.live(keyOf(2)).length, 1);
    assert.equal(fixture.live(keyOf(0)).length, 0);
  });

  it('is shared by turns when more apps are busy than there are places', async () => {
    await using fixture = new PoolFixture({ settings: { size: 2 } });
    const apps = 5;
    const served = Array<number>(apps).fill(0);
    const askOn = (index: number) => {
      const { asker } = fixture.ask(keyOf(index));
      asker.onOver = () => {
        if (asker.result !== '200') return;
        served[index] = (served[index] ?? 0) + 1;
        askOn(index);
      };
    };
    for (let index = 0; index < apps; index += 1) {
      fixture.pool.admit(workerApp(keyOf(index), { queueTimeoutMs: 60_000 }));
      for (let each = 0; each < 3; each += 1) askOn(index);
    }
    for (let step = 0; step < 200; step += 1) {
      for (const call of fixture.calls.splice(0)) call.answer(200);
      await fixture.advance(100);
    }
    const [least, most] = [Math.min(...served), Math.max(...served)];
    assert.ok(least > 0, `somebody got nothing: ${served.join(' ')}`);
    assert.ok(most <= 2 * least, `it was not fair: ${served.join(' ')}`);
  });

  it('serves 200 apps with 50 places, and never has more', async () => {
    await using fixture = new PoolFixture({
      settings: { size: 50, startsAtOnce: 3, warm: 2 },
      script: { request: (call) => call.answer(200) },
    });
    for (let index = 0; index < 200; index += 1) fixture.pool.admit(workerApp(keyOf(index)));
    for (let round = 0; round < 3; round += 1) {
      const asked = Array.from({ length: 200 }, (_, index) => fixture.ask(keyOf(index)));
      for (let step = 0; step < 60; step += 1) await fixture.advance(100);
      for (const { asker } of asked) assert.equal(asker.result, '200');
    }
    assert.ok(fixture.processes.mostMembers <= 50);
    assert.ok(fixture.processes.mostStarting <= 3);
  });

  it('is limited by memory as well as by number', async () => {
    await using fixture = new PoolFixture({ settings: { memoryBytes: 250 * MIB } });
    for (let index = 0; index < 4; index += 1) fixture.pool.admit(workerApp(keyOf(index)));
    for (const index of [0, 1]) {
      await fixture.asked(keyOf(index));
      fixture.memberOf(keyOf(index)).rssBytes = 110 * MIB;
    }
    await fixture.advance(1000);
    const { asker } = await fixture.asked(keyOf(2));
    assert.equal(fixture.pool.counts().total, 2, 'a third would be too much');
    await fixture.answerNext();
    await fixture.answerAll();
    assert.equal(asker.result, '200');
    assert.equal(fixture.live(keyOf(0)).length, 0);
    const other = fixture.memberOf(keyOf(1));
    other.rssBytes = 240 * MIB;
    await fixture.advance(12_000);
    assert.equal(fixture.live().length, 1, 'what has grown is made up for by what is idle');
  });

  it('gives an app that nothing can be evicted for its place when one crashes', async () => {
    await using fixture = new PoolFixture({ settings: { size: 1 } });
    for (const index of [0, 1]) fixture.pool.admit(workerApp(keyOf(index)));
    await fixture.asked(keyOf(0));
    await fixture.asked(keyOf(1));
    fixture.memberOf(keyOf(0)).crash('exit code 1');
    await fixture.settle();
    assert.equal(fixture.live(keyOf(1)).length, 1);
  });
});
