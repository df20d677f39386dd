import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { openWorld, TEMPERATURE, warmRule } from '#test/threshold-fixture.ts';
import type { InstantQuery, InstantValue } from './expression-rules.ts';
import { parseRule } from './parse-rule.ts';
import type { RuleStore } from './rule-store.ts';

const ADA = 'ada' as CustomerId;

function ruleFor(seconds: number, fields: object = {}) {
  return warmRule({ for: seconds, ...fields });
}

describe('a rule over a metric', () => {
  it('tells once that a series crossed it, and once that it is over', async () => {
    const rule = ruleFor(3, { hysteresis: 2, labels: { team: 'a', room: 'not this' } });
    await using world = await openWorld({ configRules: [rule] });
    await world.tick({ 'room=a': 31.5, 'room=b': 20 }, { seconds: 3 });
    assert.deepEqual(world.alerts(), ['pending room="a" 31.5']);
    await world.tick({ 'room=a': 32, 'room=b': 20 }, { seconds: 5 });
    assert.deepEqual(world.alerts(), ['firing room="a" 32']);
    await world.tick({ 'room=a': 28.5 });
    assert.deepEqual(world.alerts(), ['firing room="a" 28.5']);
    await world.tick({ 'room=a': 28 }, { seconds: 2 });
    assert.deepEqual(world.alerts(), []);
    assert.deepEqual(await world.told(), ['violated a 32', 'resolved a 28']);
    const [violated, resolved] = await world.events();
    const startedMs = Date.UTC(2026, 0, 1) + 1000;
    assert.deepEqual(violated, {
      kind: 'threshold.violated',
      instanceId: 'host-1',
      accountId: 'acme',
      ruleId: 'warm',
      ruleName: 'warm',
      severity: 'warning',
      subject: TEMPERATURE.name,
      comparison: '>',
      thresholdValue: 30,
      currentValue: 32,
      sinceMs: startedMs,
      labels: { room: 'a', team: 'a' },
      message: 'warm: room_temperature_celsius{room="a"} is 32, above 30 for 3s',
    });
    assert.equal(resolved?.sinceMs, startedMs);
    assert.match(resolved.message, /is 28, no longer above 30, after 9s$/);
  });

  it('looks at the series that match, also those that come later', async () => {
    const rule = ruleFor(0, { match: ['room=~"a|c"'] });
    await using world = await openWorld({ configRules: [rule] });
    await world.tick({ 'room=a': 20, 'room=b': 35 });
    await world.tick({ 'room=a': 20, 'room=b': 35, 'room=c': 36 });
    assert.deepEqual(world.alerts(), ['firing room="c" 36']);
    assert.deepEqual(world.thresholds.healthOf(world.thresholds.rules.get('warm', undefined)), {
      kind: 'ok',
      seriesCount: 2,
      error: undefined,
    });
  });

  it('resolves without a value what is gone, but not while its collector fails', async () => {
    await using world = await openWorld({ configRules: [ruleFor(0)] });
    const collectors = { room: true, broken: false };
    await world.tick({ 'room=a': 40 }, { collectors });
    await world.tick({}, { seconds: 90, collectors: { ...collectors, room: false } });
    assert.deepEqual(world.alerts(), ['firing room="a" 40']);
    // The other collector failed all along, and has nothing to do with it.
    await world.tick({}, { seconds: 11, collectors });
    assert.deepEqual(await world.told(), ['violated a 40', 'resolved a -']);
    assert.match((await world.events())[1]?.message ?? '', /is no longer measured/);
  });

  for (const jumpMs of [-86_400_000, 86_400_000]) {
    it(`fires on time though the clock is set by ${jumpMs} ms`, async () => {
      await using world = await openWorld({ configRules: [ruleFor(10)] });
      await world.tick({ 'room=a': 35 }, { seconds: 5 });
      world.clock.jumpWallClock(jumpMs);
      await world.tick({ 'room=a': 35 }, { seconds: 5 });
      assert.deepEqual(await world.told(), []);
      await world.tick({ 'room=a': 35 });
      assert.deepEqual(await world.told(), ['violated a 35']);
    });
  }

  it('names the machine and the customer of the series', async () => {
    await using world = await openWorld({ configRules: [ruleFor(0)] });
    await world.tick({ 'machine_id=vm_1,customer_id=ada': 40 });
    const [event] = await world.events();
    assert.equal(event?.machineId, 'vm_1');
    assert.equal(event.customerId, 'ada');
    assert.equal(event.instanceId, 'vm_1');
    const query = { afterId: 0, customerId: ADA, limit: 10 };
    assert.equal((await world.stores.events.read(query)).length, 1);
  });

  it('of a customer sees this customer’s series only', async () => {
    await using world = await openWorld({ configRules: [] });
    await world.thresholds.rules.create(ruleFor(0, { match: ['customer_id=~".*"'] }), ADA);
    await world.tick({
      'room=host': 40,
      'machine_id=vm_1,customer_id=ada': 40,
      'machine_id=vm_2,customer_id=bob': 40,
    });
    assert.deepEqual(await world.told(), ['violated vm_1 40']);
  });

  it('is refused more alerts than there may be, and that is told', async () => {
    await using world = await openWorld({ configRules: [ruleFor(0)], mostAlerts: 2 });
    await world.tick({ 'room=a': 40, 'room=b': 40, 'room=c': 40 });
    assert.equal(world.alerts().length, 2);
    assert.match(world.metrics.expose(), /drover_alerts_refused_total 1/);
    assert.match(world.metrics.expose(), /drover_alerts\{state="firing",severity="warning"\} 2/);
    await world.tick({ 'room=a': 20, 'room=b': 40, 'room=c': 40 });
    await world.tick({ 'room=a': 20, 'room=b': 40, 'room=c': 40 }, { seconds: 2 });
    assert.deepEqual(world.alerts().toSorted(), ['firing room="b" 40', 'firing room="c" 40']);
  });
});

describe('a change of a rule', () => {
  it('holds from the next sample on', async () => {
    await using world = await openWorld({ configRules: [] });
    const { rules } = world.thresholds;
    const { id } = await rules.create(ruleFor(0), undefined);
    await world.tick({ 'room=a': 35 });
    await rules.change(id, undefined, (rule) => parseRule({ value: 40 }, { base: rule }));
    await world.tick({ 'room=a': 35 });
    assert.deepEqual(await world.told(), ['violated a 35', 'resolved a 35']);
  });

  for (const [how, change] of [
    ['switched off', { enabled: false }],
    ['made to ask about something else', { match: ['room!="b"'] }],
  ] as const) {
    it(`resolves what fires when it is ${how}`, async () => {
      await using world = await openWorld({ configRules: [] });
      const { rules } = world.thresholds;
      const { id } = await rules.create(ruleFor(60), undefined);
      await world.tick({ 'room=a': 35 }, { seconds: 62 });
      await rules.change(id, undefined, (rule) => parseRule(change, { base: rule }));
      await world.tick({ 'room=a': 35 });
      assert.deepEqual(await world.told(), ['violated a 35', 'resolved a -']);
      assert.match((await world.events())[1]?.message ?? '', /the rule was changed/);
      await world.tick({}, { seconds: 12 });
      assert.deepEqual(await world.stores.rules.states('host-1'), []);
    });
  }

  it('resolves what fires when it is removed, also by another process', async () => {
    await using world = await openWorld({ configRules: [] });
    const { id } = await world.thresholds.rules.create(ruleFor(0), undefined);
    await world.tick({ 'room=a': 35 });
    await world.stores.rules.remove(id);
    await world.tick({ 'room=a': 35 }, { seconds: 7 });
    assert.deepEqual(await world.told(), ['violated a 35', 'resolved a -']);
    assert.deepEqual(world.thresholds.rules.list(undefined), []);
  });
});

describe('after a restart', () => {
  it('what fires goes on firing without being told again, and resolves', async () => {
    await using before = await openWorld({ configRules: [ruleFor(2)] });
    await before.tick({ 'room=a': 35, 'room=b': 36 }, { seconds: 4 });
    const { url } = before.stores;
    await using world = await openWorld({ configRules: [ruleFor(2)], url, aheadMs: 60_000 });
    assert.deepEqual(world.alerts(), ['firing room="a" -', 'firing room="b" -']);
    await world.tick({ 'room=a': 37 }, { seconds: 30 });
    await world.tick({ 'room=a': 29 }, { seconds: 40 });
    const told = ['violated a 35', 'violated b 36', 'resolved a 29', 'resolved b -'];
    assert.deepEqual(await world.told(), told);
  });

  it('`for` goes on where it was', async () => {
    await using before = await openWorld({ configRules: [ruleFor(60)] });
    await before.tick({ 'room=a': 35 }, { seconds: 51 });
    const { url } = before.stores;
    await using world = await openWorld({ configRules: [ruleFor(60)], url, aheadMs: 55_000 });
    await world.tick({ 'room=a': 35 }, { seconds: 5 });
    assert.deepEqual(await world.told(), []);
    await world.tick({ 'room=a': 35 }, { seconds: 10 });
    assert.deepEqual(await world.told(), ['violated a 35']);
    assert.equal((await world.events())[0]?.sinceMs, Date.UTC(2026, 0, 1) + 1000);
  });

  it('`for` starts over when that was long ago', async () => {
    await using before = await openWorld({ configRules: [ruleFor(60)] });
    await before.tick({ 'room=a': 35 }, { seconds: 55 });
    const { url } = before.stores;
    const aheadMs = 3_600_000;
    await using world = await openWorld({ configRules: [ruleFor(60)], url, aheadMs });
    await world.tick({ 'room=a': 35 }, { seconds: 60 });
    assert.deepEqual(await world.told(), []);
  });

  it('a cooldown is as long as it was', async () => {
    const rule = ruleFor(0, { cooldown: 60 });
    await using before = await openWorld({ configRules: [rule] });
    await before.tick({ 'room=a': 35 });
    await before.tick({ 'room=a': 20 });
    const { url } = before.stores;
    await using world = await openWorld({ configRules: [rule], url, aheadMs: 31_000 });
    await world.tick({ 'room=a': 35 }, { seconds: 29 });
    assert.deepEqual(world.alerts(), ['pending room="a" 35']);
    await world.tick({ 'room=a': 35 }, { seconds: 3 });
    assert.deepEqual(await world.told(), ['violated a 35', 'resolved a 20', 'violated a 35']);
  });

  it('without its rule, what fired resolves', async () => {
    await using before = await openWorld({ configRules: [ruleFor(0)] });
    await before.tick({ 'room=a': 35 });
    const { url } = before.stores;
    await using world = await openWorld({ configRules: [], url });
    await world.tick({ 'room=a': 35 });
    assert.deepEqual(await world.told(), ['violated a 35', 'resolved a -']);
  });

  it('the alerts of another instance on the same database are left alone', async () => {
    await using before = await openWorld({ configRules: [ruleFor(0)] });
    await before.tick({ 'room=a': 35 });
    const identity = { instanceId: 'host-2', accountId: undefined };
    const { url } = before.stores;
    await using world = await openWorld({ configRules: [ruleFor(0)], url, identity });
    await world.tick({ 'room=a': 20 }, { seconds: 70 });
    assert.deepEqual(await before.told(), ['violated a 35']);
  });
});

describe('without the database', () => {
  it('transitions wait, in order, and are told when it is back', async () => {
    let isAway = false;
    let attempts = 0;
    const wrapStore = (store: RuleStore): RuleStore => ({
      list: () => store.list(),
      revision: () => store.revision(),
      insert: (rule, most) => store.insert(rule, most),
      update: (rule) => store.update(rule),
      remove: (id) => store.remove(id),
      states: (id) => store.states(id),
      save: (states, forgotten) => store.save(states, forgotten),
      async commit(transitions) {
        attempts += 1;
        if (isAway) throw new DroverError('unavailable', 'the database is away');
        await store.commit(transitions);
        // The answer is lost, though it worked.
        if (attempts === 1) throw new DroverError('unavailable', 'the database went away');
      },
    });
    await using world = await openWorld({ configRules: [ruleFor(0)], wrapStore });
    world.table.family(TEMPERATURE);
    const tick = async (value: number) => {
      await world.clock.advance(1000);
      world.table
        .family(TEMPERATURE)
        .series({ room: 'a' })
        .set(value * 10);
      world.table.endTick();
      const instant = { atMs: world.clock.nowMs(), monotonicMs: world.clock.monotonicMs() };
      world.thresholds.onTick({ ...instant, intervalMs: 1000, readings: {} });
    };
    await tick(35);
    await world.clock.advance(1000);
    assert.deepEqual(await world.told(), ['violated a 35'], 'once, though it was written twice');
    isAway = true;
    for (let second = 0; second < 20; second += 1) await tick(second % 2 === 0 ? 20 : 36);
    assert.deepEqual(await world.told(), ['violated a 35']);
    assert.match(world.metrics.expose(), /drover_alert_transitions_waiting 1\n/);
    isAway = false;
    for (let second = 0; second < 40; second += 1) await tick(36);
    assert.deepEqual(await world.told(), ['violated a 35', 'resolved a 20', 'violated a 36']);
  });

  it('one transition that cannot be stored keeps no other from it', async () => {
    const wrapStore = (store: RuleStore): RuleStore =>
      Object.assign(Object.create(store) as RuleStore, {
        commit: async (transitions: Parameters<RuleStore['commit']>[0]) => {
          if (transitions.some(({ event }) => event.labels['room'] === 'bad')) {
            throw new DroverError('invalid_argument', 'that cannot be stored');
          }
          await store.commit(transitions);
        },
        list: () => store.list(),
        revision: () => store.revision(),
        states: (id: string) => store.states(id),
        save: (...parts: Parameters<RuleStore['save']>) => store.save(...parts),
      });
    await using world = await openWorld({ configRules: [ruleFor(0)], wrapStore });
    await world.tick({ 'room=bad': 40, 'room=good': 41 });
    assert.deepEqual(await world.told(), ['violated good 41']);
  });
});

describe('a rule over an expression', () => {
  const rule = parseRule({ name: 'x', expr: 'x', every: 2, comparison: '>', value: 1, for: 4 });

  function fakeQuery(evaluate: InstantQuery['evaluate']) {
    return { query: { evaluate }, configRules: [rule] };
  }

  it('is evaluated as often as it says, and crosses and resolves', async () => {
    const asked: unknown[] = [];
    let values: readonly InstantValue[] = [{ labels: { a: '1' }, value: 2 }];
    await using world = await openWorld(
      fakeQuery(async (expression, atMs, customerId) => {
        asked.push([expression, atMs - Date.UTC(2026, 0, 1), customerId]);
        return values;
      }),
    );
    await world.tick({}, { seconds: 4 });
    assert.deepEqual(asked, [
      ['x', 1000, undefined],
      ['x', 3000, undefined],
    ]);
    await world.tick({}, { seconds: 3 });
    assert.deepEqual(world.alerts(), ['firing a="1" 2']);
    values = [{ labels: { a: '1' }, value: 1 }];
    await world.tick({}, { seconds: 2 });
    assert.deepEqual(await world.told(), ['violated  2', 'resolved  1']);
    assert.match((await world.events())[0]?.message ?? '', /^x: \{a="1"\} is 2, above 1 for 4s$/);
  });

  it('that fails keeps what there is, and shows why', async () => {
    let isBroken = false;
    await using world = await openWorld(
      fakeQuery(async () => {
        if (isBroken) throw new DroverError('invalid_argument', 'no such function');
        return [{ labels: {}, value: 2 }];
      }),
    );
    await world.tick({}, { seconds: 7 });
    isBroken = true;
    await world.tick({}, { seconds: 100 });
    assert.deepEqual(world.alerts(), ['firing  2']);
    const { rules } = world.thresholds;
    assert.deepEqual(world.thresholds.healthOf(rules.get('x', undefined)), {
      kind: 'error',
      seriesCount: 0,
      error: 'no such function',
    });
  });

  it('never overlaps another, and is given up after its deadline', async () => {
    let running = 0;
    let signalled = 0;
    await using world = await openWorld({
      query: {
        async evaluate(_expression, _atMs, _customerId, signal) {
          running += 1;
          assert.equal(running, 1);
          const { promise, reject } = Promise.withResolvers<never>();
          signal.addEventListener('abort', () => {
            running -= 1;
            signalled += 1;
            reject(signal.reason as Error);
          });
          return await promise;
        },
      },
      configRules: [rule, { ...rule, name: 'y' }],
    });
    const ticking = world.tick({}, { seconds: 15 });
    for (let step = 0; step < 30 && signalled === 0; step += 1) await world.clock.advance(1000);
    await world.clock.advance(10_000);
    await world.clock.advance(10_000);
    const { rules } = world.thresholds;
    assert.match(
      world.thresholds.healthOf(rules.get('x', undefined)).error ?? '',
      /the expression took longer than 10000 ms/,
    );
    await world.thresholds[Symbol.asyncDispose]();
    await ticking;
  });

  it('of a customer is evaluated for this customer', async () => {
    const asked: unknown[] = [];
    const query: InstantQuery = {
      evaluate: async (_expression, _atMs, customerId) => {
        asked.push(customerId);
        return [{ labels: {}, value: 2 }];
      },
    };
    await using world = await openWorld({ query, configRules: [] });
    await world.thresholds.rules.create({ ...rule, forMs: 0 }, ADA);
    await world.tick({});
    assert.deepEqual(asked, [ADA]);
    assert.equal((await world.events())[0]?.customerId, ADA);
  });

  it('is refused where there is nothing to evaluate it', async () => {
    await using world = await openWorld({ configRules: [rule] });
    await assert.rejects(world.thresholds.rules.create({ ...rule, name: 'y' }, undefined), {
      kind: 'failed_precondition',
      reason: 'NO_EXPRESSIONS',
    });
    await world.tick({});
    const { rules } = world.thresholds;
    assert.equal(world.thresholds.healthOf(rules.get('x', undefined)).kind, 'error');
  });
});
