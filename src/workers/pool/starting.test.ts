import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { untilAborted } from '#kernel/abort.ts';
import { PoolFixture, workerApp } from '#test/pool-fixture.ts';

const SHOP = 'shop@1.0.0';
const forever = new Promise<never>(() => undefined);

describe('starting workers', () => {
  it('is never done for more at once than allowed, and fairly among apps', async () => {
    await using fixture = new PoolFixture({ settings: { startsAtOnce: 2 } });
    const gates: (() => void)[] = [];
    const begun: string[] = [];
    fixture.processes.beforeLaunch = async () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate.resolve);
      await gate.promise;
    };
    for (const name of ['a', 'b', 'c']) fixture.pool.admit(workerApp(`${name}@1.0.0`));
    for (const name of ['a', 'a', 'a', 'b', 'b', 'c']) fixture.ask(`${name}@1.0.0`);
    await fixture.settle();
    for (let each = 0; each < 6; each += 1) {
      assert.equal(fixture.pool.counts().creating, Math.min(2, 6 - each));
      gates.shift()?.();
      await fixture.settle();
      const ready = fixture.pool.apps().filter(({ active }) => active > 0);
      begun.push(ready.map(({ app, active }) => `${app[0]}${active}`).join(' '));
    }
    assert.equal(fixture.processes.mostStarting, 2);
    // Both slots were free when the first asked twice; then those come first that have nobody.
    assert.deepEqual(begun, ['a1', 'a2', 'a2 b1', 'a2 b1 c1', 'a3 b1 c1', 'a3 b2 c1']);
  });

  it('fails all that wait when the first attempt does, and tries again later', async () => {
    const script = { load: () => Promise.reject(new Error('there is no app.ts')) };
    await using fixture = new PoolFixture({ script, chance: () => 1 });
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    const first = [fixture.ask(SHOP), fixture.ask(SHOP)];
    await fixture.settle();
    for (const { asker } of first) {
      assert.equal(asker.result, 'APP_FAILING');
      assert.match(asker.failures[0]?.message ?? '', /there is no app\.ts/);
    }
    assert.deepEqual(fixture.pool.apps()[0]?.failing, {
      message: 'there is no app.ts',
      attempts: 1,
    });
    assert.equal((await fixture.asked(SHOP)).asker.result, 'APP_FAILING');
    assert.equal(fixture.processes.launches, 1, 'nothing is started meanwhile');
    await fixture.advance(1000);
    assert.equal((await fixture.asked(SHOP)).asker.result, 'APP_FAILING');
    assert.equal(fixture.processes.launches, 2);
    assert.equal(fixture.pool.apps()[0]?.failing?.attempts, 2);
    fixture.processes.script.load = () => Promise.resolve();
    await fixture.advance(2000);
    const good = await fixture.asked(SHOP);
    await fixture.answerNext();
    assert.equal(good.asker.result, '200');
    assert.equal(fixture.pool.apps()[0]?.failing, undefined);
    assert.deepEqual(
      fixture.ended().map(({ endReason }) => endReason),
      ['failed-start', 'failed-start'],
    );
  });

  it('is tried again without being asked where an app wants a worker always', async () => {
    const script = { load: () => Promise.reject(new Error('not yet')) };
    await using fixture = new PoolFixture({ script, chance: () => 1 });
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1 }));
    await fixture.settle();
    assert.equal(fixture.processes.launches, 1);
    await fixture.advance(60_000);
    assert.ok(fixture.processes.launches >= 5 && fixture.processes.launches <= 7);
    delete fixture.processes.script.load;
    await fixture.advance(60_000);
    assert.equal(fixture.live(SHOP).length, 1);
  });

  it('gives up on a launch, a load and a hello that take too long', async () => {
    await using fixture = new PoolFixture({ script: { load: () => forever } });
    fixture.pool.admit(workerApp(SHOP, { startTimeoutMs: 5000 }));
    const stuck = await fixture.asked(SHOP);
    await fixture.advance(4900);
    assert.equal(stuck.asker.result, 'pending');
    await fixture.advance(200);
    assert.equal(stuck.asker.result, 'APP_FAILING');
    assert.match(stuck.asker.failures[0]?.message ?? '', /longer than 5000 ms/);
    assert.equal(fixture.processes.members.size, 0);
    fixture.processes.beforeLaunch = (_options, signal) => untilAborted(forever, signal);
    await fixture.advance(1000);
    const unborn = await fixture.asked(SHOP);
    await fixture.advance(5100);
    assert.equal(unborn.asker.result, 'APP_FAILING');
    assert.equal(fixture.pool.counts().total, 0);
  });

  it('says how a member ended that ended while it was started', async () => {
    const script = {
      load: (_binding: object, member: { crash(message: string): void }) => {
        member.crash('exit code 12');
        return forever;
      },
    };
    await using fixture = new PoolFixture({ script });
    fixture.pool.admit(workerApp(SHOP));
    const { asker } = await fixture.asked(SHOP);
    assert.match(asker.failures[0]?.message ?? '', /exit code 12/);
  });

  it('backs off from an app whose workers start and die', async () => {
    await using fixture = new PoolFixture({ chance: () => 1 });
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1 }));
    for (let each = 1; each <= 3; each += 1) {
      const { asker } = await fixture.asked(SHOP);
      fixture.memberOf(SHOP).crash('exit code 7');
      await fixture.settle();
      assert.equal(asker.result, 'WORKER_CRASHED');
    }
    const { asker } = await fixture.asked(SHOP);
    assert.equal(asker.result, 'APP_FAILING');
    assert.match(asker.failures[0]?.message ?? '', /exit code 7/);
    assert.equal(fixture.processes.launches, 3);
    await fixture.advance(1000);
    const later = await fixture.asked(SHOP);
    fixture.calls.at(-1)?.answer(200);
    assert.equal(await later.asker.over(), '200');
  });

  it('ends a start that nobody needs any more without trouble', async () => {
    await using fixture = new PoolFixture();
    fixture.processes.beforeLaunch = (_options, signal) => untilAborted(forever, signal);
    fixture.pool.admit(workerApp(SHOP));
    const { exchange } = await fixture.asked(SHOP);
    exchange.abort();
    await fixture.pool.retire(SHOP);
    assert.equal(fixture.pool.counts().total, 0);
    assert.equal(fixture.processes.starting, 0);
  });
});

describe('warm workers', () => {
  it('are kept as soon as an app could use one, and go when none could', async () => {
    await using fixture = new PoolFixture({ settings: { warm: 2 } });
    await fixture.settle();
    assert.equal(fixture.processes.launches, 0);
    fixture.processes.isDemanding = ({ name }) => name === 'demanding';
    fixture.pool.admit(workerApp('demanding@1.0.0'));
    await fixture.settle();
    assert.equal(fixture.processes.launches, 0);
    fixture.pool.admit(workerApp(SHOP));
    await fixture.settle();
    assert.deepEqual(
      fixture.live().map(({ app, state }) => `${app} ${state}`),
      ['(warm) ready', '(warm) ready'],
    );
    await fixture.pool.retire(SHOP);
    await fixture.settle();
    assert.equal(fixture.live().length, 0);
  });

  it('are taken over without a start, and refilled', async () => {
    await using fixture = new PoolFixture({ settings: { warm: 1 } });
    fixture.pool.admit(workerApp(SHOP));
    await fixture.settle();
    const [warm] = fixture.live();
    const { asker } = await fixture.asked(SHOP);
    assert.deepEqual(
      fixture.live(SHOP).map(({ id }) => id),
      [warm?.id],
    );
    assert.equal(fixture.live('(warm)').length, 1);
    assert.equal(fixture.processes.launches, 2);
    await fixture.answerNext();
    assert.equal(asker.result, '200');
    assert.equal(fixture.metric(`drover_worker_start_seconds_count{app="${SHOP}",kind="warm"}`), 1);
  });

  it('are replaced when they die, with a wait if they do so again and again', async () => {
    await using fixture = new PoolFixture({ settings: { warm: 1 }, chance: () => 1 });
    fixture.pool.admit(workerApp(SHOP));
    await fixture.settle();
    for (let each = 1; each <= 3; each += 1) {
      assert.equal(fixture.processes.launches, each);
      fixture.memberOf('(warm)').crash('exit code 1');
      await fixture.settle();
    }
    assert.equal(fixture.processes.launches, 3);
    await fixture.advance(2000);
    assert.equal(fixture.live('(warm)').length, 1);
  });

  it('leave room before any worker of an app does', async () => {
    await using fixture = new PoolFixture({ settings: { warm: 1, size: 2 } });
    fixture.processes.isDemanding = ({ name }) => name !== 'shop';
    fixture.pool.admit(workerApp(SHOP, { minWorkers: 1 }));
    await fixture.settle();
    fixture.pool.admit(workerApp('other@1.0.0'));
    const { asker } = await fixture.asked('other@1.0.0');
    await fixture.answerNext();
    assert.equal(asker.result, '200');
    assert.deepEqual(
      fixture
        .live()
        .map(({ app }) => app)
        .toSorted(),
      ['other@1.0.0', SHOP],
    );
    assert.equal(fixture.processes.mostMembers, 2);
  });
});
