import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomerId } from '#kernel/ids.ts';
import { OPERATOR, WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { DAY_MS, HOUR_MS } from '#kernel/units.ts';
import {
  answered,
  rulesOf,
  sampleEvent,
  thresholdEvent,
  violations,
} from '#test/webhook-fixture.ts';
import type { SendOutcome } from './webhook-sender.ts';

describe('a subscription', () => {
  it('is told of what happens after it was made, in order, each once', async () => {
    await using engine = await WebhookEngineFixture.open();
    await engine.emit(thresholdEvent({ ruleId: 'before' }));
    const webhook = await engine.register();
    const other = await engine.register({ url: 'http://other.example/', eventTypes: ['metrics'] });
    await engine.emit(...violations(40), sampleEvent());
    await engine.until(() => engine.sender.sent.length === 42);
    const sentTo = (url: string) => engine.sender.sent.filter((sent) => sent.url === url);
    const expected = Array.from({ length: 40 }, (_, at) => `rule_${at + 1}`);
    assert.deepEqual(rulesOf(sentTo(webhook.url)), [...expected, 'sample']);
    assert.deepEqual(rulesOf(sentTo(other.url)), ['sample']);
    const deliveries = await engine.deliveries(webhook);
    assert.equal(deliveries.length, 41);
    assert.ok(deliveries.every(({ state, attempts }) => state === 'delivered' && attempts === 1));
    const ids = engine.sender.sent.map(({ headers }) => headers['webhook-id']);
    assert.equal(new Set(ids).size, 42);
  });

  it('fails seven times, then works: nothing is lost, the order is kept', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    const at: number[] = [];
    let failed = 0;
    engine.sender.behave = () => {
      at.push(engine.clock.nowMs());
      failed += 1;
      return answered(failed <= 7 ? 500 : 200);
    };
    await engine.emit(...violations(3));
    await engine.until(() => engine.sender.sent.length === 10);
    const first = Array<string>(8).fill('rule_1');
    assert.deepEqual(rulesOf(engine.sender.sent), [...first, 'rule_2', 'rule_3']);
    const ids = engine.sender.sent.map(({ headers }) => headers['webhook-id']);
    assert.equal(new Set(ids).size, 3);
    const pauses = at.slice(1, 8).map((each, after) => each - (at[after] ?? 0));
    assert.ok(
      pauses.every((pause, step) => Math.abs(pause - 1000 * 2 ** step) <= 200),
      pauses.join(),
    );
    const [delivery] = await engine.deliveries(webhook);
    assert.deepEqual([delivery?.state, delivery?.attempts], ['delivered', 8]);
    assert.equal((await engine.read(webhook)).failures, 0);
  });

  it('waits as long as its receiver asks for', async () => {
    await using engine = await WebhookEngineFixture.open();
    await engine.register();
    engine.sender.behave = () => answered(429, '600');
    await engine.emit(thresholdEvent());
    await engine.until(() => engine.sender.sent.length === 1);
    await engine.clock.advance(590_000);
    assert.equal(engine.sender.sent.length, 1);
    await engine.until(() => engine.sender.sent.length === 2);
  });

  it('that is dead is given a day for each event, and probed at a slow pace', async () => {
    await using engine = await WebhookEngineFixture.open({ chance: () => 0 });
    const webhook = await engine.register();
    const startedAt = engine.clock.nowMs();
    engine.sender.behave = () => ({ kind: 'failed', error: 'refused', latencyMs: 1 });
    await engine.emit(...violations(3));
    await engine.clock.advance(600_000);
    // The pauses are half of what they may be: 0.5, 1, 2 … 256 s, and the next is not over yet.
    assert.equal(engine.sender.sent.length, 11);
    await engine.emit(thresholdEvent({ ruleId: 'later' }));
    const deadOnes = async () =>
      (await engine.deliveries(webhook)).filter(({ state }) => state === 'dead').length;
    // Timers do not notice, so the next attempt comes when it would have come.
    engine.clock.jumpWallClock(DAY_MS - HOUR_MS);
    await engine.clock.advance(2_900_000);
    assert.equal(await deadOnes(), 0);
    await engine.until(async () => (await deadOnes()) === 3, 60_000);
    const took = engine.clock.nowMs() - startedAt;
    assert.ok(took >= DAY_MS && took < DAY_MS + HOUR_MS, String(took));
    assert.equal(engine.sender.sent.length, 14);
    assert.deepEqual(new Set(rulesOf(engine.sender.sent)), new Set(['rule_1']));
    // It comes back: what is not a day old yet is delivered, in order.
    engine.sender.behave = () => answered(200);
    await engine.until(async () => (await engine.read(webhook)).failures === 0, 60_000);
    assert.equal(rulesOf(engine.sender.sent).at(-1), 'later');
    const deliveries = await engine.deliveries(webhook);
    assert.deepEqual(
      deliveries.map(({ state }) => state),
      ['dead', 'dead', 'dead', 'delivered'],
    );
    assert.match(engine.metrics.expose(), /deliveries_total\{result="dead"\} 3/);
  });

  it('gives an event as many attempts as it is told to', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register({ maxAttempts: 2 });
    engine.sender.behave = () => answered(engine.sender.sent.length <= 3 ? 500 : 200);
    await engine.emit(...violations(2));
    await engine.until(() => engine.sender.sent.length === 4);
    assert.deepEqual(rulesOf(engine.sender.sent), ['rule_1', 'rule_1', 'rule_2', 'rule_2']);
    const deliveries = await engine.deliveries(webhook);
    assert.deepEqual(
      deliveries.map(({ state, attempts }) => [state, attempts]),
      [
        ['dead', 2],
        ['delivered', 2],
      ],
    );
  });

  it('whose receiver is gone is disabled, says why, and loses nothing', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    engine.sender.behave = () => answered(410);
    await engine.emit(...violations(2));
    await engine.until(async () => !(await engine.read(webhook)).isEnabled);
    assert.match((await engine.read(webhook)).disabledReason ?? '', /410/);
    assert.equal(engine.webhooks.hasSubscribers('threshold.violated'), false);
    engine.clock.jumpWallClock(HOUR_MS);
    await engine.clock.advance(5000);
    assert.equal(engine.sender.sent.length, 1);
    engine.sender.behave = () => answered(200);
    await engine.service.change(OPERATOR, webhook.id, { isEnabled: true });
    await engine.until(() => engine.sender.sent.length === 3);
    assert.deepEqual(rulesOf(engine.sender.sent), ['rule_1', 'rule_1', 'rule_2']);
    assert.equal((await engine.read(webhook)).disabledReason, undefined);
  });

  it('that is paused for days loses nothing', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    await engine.service.change(OPERATOR, webhook.id, { isEnabled: false });
    await engine.emit(...violations(2));
    engine.clock.jumpWallClock(3 * DAY_MS);
    await engine.clock.advance(5000);
    assert.equal(engine.sender.sent.length, 0);
    engine.sender.behave = () => answered(engine.sender.sent.length === 1 ? 503 : 200);
    await engine.service.change(OPERATOR, webhook.id, { isEnabled: true });
    await engine.until(() => engine.sender.sent.length === 3);
    assert.deepEqual(rulesOf(engine.sender.sent), ['rule_1', 'rule_1', 'rule_2']);
  });

  it('is told of its own customer only, and of what its filter lets through', async () => {
    await using engine = await WebhookEngineFixture.open();
    const [ada, bob] = ['ada' as CustomerId, 'bob' as CustomerId];
    await engine.register({ url: 'http://ada.example/' }, ada);
    await engine.register({
      url: 'http://filtered.example/',
      filter: { severities: ['critical'], rules: ['cpu high'], instanceIds: ['vm-1', 'vm-2'] },
    });
    const critical = { severity: 'critical' } as const;
    await engine.emit(
      sampleEvent(),
      sampleEvent({ instanceId: 'vm-1', customerId: ada }),
      sampleEvent({ instanceId: 'vm-3', customerId: bob }),
      thresholdEvent({ ...critical, customerId: bob, instanceId: 'vm-2' }),
      thresholdEvent({ ...critical, instanceId: 'vm-1', ruleName: 'other' }),
      thresholdEvent({ instanceId: 'vm-1' }),
      thresholdEvent({ ...critical, customerId: ada, instanceId: 'vm-9' }),
    );
    await engine.until(() => engine.sender.sent.length >= 4);
    await engine.clock.advance(5000);
    const sentTo = (url: string) =>
      engine.sender.sent
        .filter((sent) => sent.url === url)
        .map(
          ({ text }) => (JSON.parse(text) as { data: { instance_id: string } }).data.instance_id,
        );
    assert.deepEqual(sentTo('http://ada.example/'), ['vm-1', 'vm-9']);
    assert.deepEqual(sentTo('http://filtered.example/'), ['vm-1', 'vm-2']);
  });

  it('is not delayed by another whose receiver hangs', async () => {
    await using engine = await WebhookEngineFixture.open();
    const hanging = Promise.withResolvers<SendOutcome>();
    const started = new Set<string>();
    for (let at = 0; at < 60; at += 1) await engine.register({ url: `http://slow-${at}.example/` });
    engine.sender.behave = ({ url }) => {
      started.add(url);
      return hanging.promise;
    };
    await engine.emit(thresholdEvent());
    await engine.until(() => started.size >= 16);
    const hung = started.size;
    const customerId = 'ada' as CustomerId;
    await engine.register({ url: 'http://quick.example/' }, customerId);
    engine.sender.behave = ({ url }) =>
      url === 'http://quick.example/' ? answered(200) : hanging.promise;
    await engine.emit(...violations(5).map((event) => ({ ...event, customerId })));
    await engine.until(
      () => engine.sender.sent.filter(({ url }) => url === 'http://quick.example/').length === 5,
    );
    assert.ok(hung <= 32, String(hung));
    hanging.resolve(answered(200));
  });
});
