import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { SecretBox } from '#kernel/secret-box.ts';
import { OPERATOR, WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { HOUR_MS } from '#kernel/units.ts';
import {
  answered,
  rulesOf,
  sampleEvent,
  thresholdEvent,
  violations,
} from '#test/webhook-fixture.ts';
import type { SendOutcome } from './webhook-sender.ts';

describe('the engine', () => {
  it('goes on after a restart where it was, with the pace of the retries', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    engine.sender.behave = () => answered(500);
    await engine.emit(...violations(2));
    await engine.until(() => engine.sender.sent.length === 4);
    await engine.stop();
    const before = await engine.stores.webhooks.find(webhook.id);
    assert.equal(before?.failures, 4);
    await engine.emit(thresholdEvent({ ruleId: 'meanwhile' }));
    await engine.start();
    await engine.clock.advance(7000);
    assert.equal(engine.sender.sent.length, 4);
    engine.sender.behave = () => answered(200);
    await engine.until(() => engine.sender.sent.length === 7);
    assert.deepEqual(rulesOf(engine.sender.sent.slice(4)), ['rule_1', 'rule_2', 'meanwhile']);
    assert.equal((await engine.deliveries(webhook))[0]?.attempts, 5);
  });

  it('knows at once whether anybody subscribes, also in another process', async () => {
    await using engine = await WebhookEngineFixture.open();
    assert.equal(engine.webhooks.hasSubscribers('metrics.sampled'), false);
    const webhook = await engine.register({ eventTypes: ['metrics'] });
    assert.equal(engine.webhooks.hasSubscribers('metrics.sampled'), true);
    assert.equal(engine.webhooks.hasSubscribers('threshold.violated'), false);
    await engine.stores.webhooks.change(webhook.id, { isEnabled: false }, engine.clock.nowMs());
    await engine.until(() => !engine.webhooks.hasSubscribers('metrics.sampled'));
  });

  it('leaves a subscription to the process that holds it, until that is gone', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    const { database } = engine.stores;
    const silence = { leased_by: 'host-2', leased_until: engine.clock.nowMs() + 30_000 };
    await database.write((trx) => trx.updateTable('webhooks').set(silence).execute());
    // What this process has done since is not written: the subscription is not its any more.
    await engine.emit(thresholdEvent());
    await engine.until(() => engine.logged.text().includes('another process'));
    const mine = engine.sender.sent.length;
    await engine.emit(thresholdEvent({ ruleId: 'second' }));
    await engine.clock.advance(15_000);
    assert.equal(engine.sender.sent.length, mine);
    assert.equal((await engine.stores.webhooks.find(webhook.id))?.position, 0);
    await engine.until(() => rulesOf(engine.sender.sent).includes('second'), 1000);
    assert.deepEqual(rulesOf(engine.sender.sent.slice(mine)), ['rule_1', 'second']);
  });

  it('never sends without the proof asked for: a lost key disables the subscription', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register({ secret: 'hunter2' });
    const plain = await engine.register({ url: 'http://plain.example/' });
    await engine.stop();
    await engine.start({ secretBox: new SecretBox(Buffer.alloc(32, 9)) });
    await engine.emit(thresholdEvent());
    await engine.until(() => engine.sender.sent.length === 1);
    assert.equal(engine.sender.sent[0]?.url, plain.url);
    const disabled = await engine.read(webhook);
    assert.equal(disabled.isEnabled, false);
    assert.match(
      disabled.disabledReason ?? '',
      /put the former secret\.key back, or set the secret/,
    );
  });

  it('keeps secrets out of the database, the log and everything it answers', async () => {
    await using engine = await WebhookEngineFixture.open();
    const headers = { 'X-Api-Key': 'opensesame' };
    const webhook = await engine.register({ secret: 'hunter2', headers });
    engine.sender.behave = () => ({ kind: 'failed', error: 'refused', latencyMs: 1 });
    await engine.emit(thresholdEvent());
    await engine.until(() => engine.sender.sent.length === 1);
    assert.equal(engine.sender.sent[0]?.headers['X-Api-Key'], 'opensesame');
    const deliveries = await engine.deliveries(webhook);
    const kept = JSON.stringify([await engine.stores.webhooks.list(), deliveries]);
    for (const text of [kept, engine.logged.text()]) {
      assert.doesNotMatch(text, /hunter2|opensesame/);
    }
  });

  it('waits for a database that is away, and delivers no more than it can note', async () => {
    await using engine = await WebhookEngineFixture.open();
    await engine.register();
    const { webhooks } = engine.stores;
    const record = webhooks.record.bind(webhooks);
    webhooks.record = () => Promise.reject(new Error('the database is away'));
    await engine.emit(...violations(600));
    await engine.until(() => engine.sender.sent.length >= 256);
    await engine.clock.advance(10_000);
    assert.equal(engine.sender.sent.length, 256);
    webhooks.record = record;
    await engine.until(() => engine.sender.sent.length === 600);
  });

  it('stops while the database is away, and sends again what it could not note', async () => {
    await using engine = await WebhookEngineFixture.open();
    await engine.register();
    const { webhooks } = engine.stores;
    const record = webhooks.record.bind(webhooks);
    webhooks.record = () => Promise.reject(new Error('the database is away'));
    await engine.emit(...violations(300));
    await engine.until(() => engine.sender.sent.length === 256);
    let isStopped = false;
    const stopped = engine.stop().then(() => (isStopped = true));
    await engine.until(() => isStopped);
    await stopped;
    webhooks.record = record;
    const before = engine.sender.sent.length;
    await engine.start();
    await engine.until(() => engine.sender.sent.length === before + 300);
    const again = engine.sender.sent.slice(before);
    assert.equal(again[0]?.headers['webhook-id'], engine.sender.sent[0]?.headers['webhook-id']);
  });

  it('lets nobody who changes a webhook wait for an attempt that hangs', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register({ timeoutMs: 30_000 });
    engine.sender.behave = async (_request, signal) => {
      const { promise, reject } = Promise.withResolvers<SendOutcome>();
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      return await promise;
    };
    await engine.emit(...violations(1));
    await engine.until(() => engine.sender.sent.length === 1);
    const url = 'http://better.example/';
    let isChanged = false;
    const changing = engine.service
      .change(OPERATOR, webhook.id, { url })
      .then(() => (isChanged = true));
    const startedAt = engine.clock.nowMs();
    await engine.until(() => isChanged);
    await changing;
    assert.ok(engine.clock.nowMs() - startedAt < 2000);
    engine.sender.behave = () => answered(200);
    await engine.until(() => engine.sender.sent.length >= 2);
    const last = engine.sender.sent.at(-1);
    assert.deepEqual([last?.url, last?.text], [url, engine.sender.sent[0]?.text]);
  });

  it('knows whose samples are wanted', async () => {
    await using engine = await WebhookEngineFixture.open();
    const [ada, bob] = ['ada' as CustomerId, 'bob' as CustomerId];
    const machine = (machineId: string, customerId: CustomerId) =>
      engine.webhooks.wantsSamplesOf({
        ...{ instanceId: machineId, machineId: machineId as MachineId },
        customerId,
      });
    const host = () =>
      engine.webhooks.wantsSamplesOf({
        ...{ instanceId: 'host-1', machineId: undefined },
        customerId: undefined,
      });
    await engine.register({ eventTypes: ['threshold_violation'] });
    await engine.register({ filter: { instanceIds: ['vm-1'] } }, ada);
    assert.deepEqual(
      [machine('vm-1', ada), machine('vm-2', ada), machine('vm-1', bob), host()],
      [true, false, false, false],
    );
    await engine.register();
    // An operator is told of the host, and of a machine only when it names that.
    assert.deepEqual([machine('vm-2', bob), host()], [false, true]);
    await engine.register({ filter: { instanceIds: ['vm-2'] } });
    assert.deepEqual([machine('vm-2', bob), machine('vm-3', bob)], [true, false]);
  });

  it('reports what fails and what waits', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    const at = engine.clock.nowMs();
    assert.deepEqual(await engine.webhooks.health(), {
      ...{ enabled: 1, disabled: 0, failing: [], pending: 0 },
      ...{ oldestPendingAt: undefined, lastDeliveredAt: undefined },
    });
    engine.sender.behave = () => answered(500);
    await engine.emit(...violations(3));
    await engine.until(() => engine.sender.sent.length === 3);
    await engine.clock.advance(6000);
    const health = await engine.webhooks.health();
    assert.deepEqual([health.pending, health.oldestPendingAt], [3, at]);
    const [failing] = health.failing;
    assert.equal(failing?.id, webhook.id);
    assert.equal(failing?.lastError, 'the receiver answered 500');
  });

  it('removes samples that nobody can be told of any more', async () => {
    await using engine = await WebhookEngineFixture.open();
    await engine.emit(sampleEvent(), thresholdEvent());
    engine.clock.jumpWallClock(25 * HOUR_MS);
    await engine.clock.advance(HOUR_MS / 10);
    const kinds = async () =>
      (await engine.stores.events.read({ afterId: 0, limit: 9 })).map(({ event }) => event.kind);
    assert.equal((await kinds()).length, 2);
    engine.clock.jumpWallClock(HOUR_MS);
    await engine.until(async () => (await kinds()).length === 1, 10_000);
    assert.deepEqual(await kinds(), ['threshold.violated']);
  });
});
