/** What every WebhookStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EventKind } from '#events/event.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { ADA, BOB } from '#test/contract/store-fixtures.ts';
import type { OpenStores } from '#test/contract/databases.ts';
import { emit, sampleEvent, thresholdEvent } from '#test/webhook-fixture.ts';
import type { Delivery } from '#webhooks/delivery.ts';
import type { ProgressReport } from '#webhooks/webhook-store.ts';
import type { Webhook, WebhookId } from '#webhooks/webhook.ts';

const LIMITS = { perOwner: 3, inAll: 5 };
const NOW = 1_700_000_000_000;

export function webhookOf(digits: string, choices: Partial<Webhook> = {}): Webhook {
  return {
    id: `webhook_${digits.padStart(8, '0')}` as WebhookId,
    format: 'vm-metrics',
    customerId: undefined,
    url: 'https://example.com/hook?ü=1',
    eventTypes: ['metrics', 'threshold_violation'],
    filter: { severities: ['critical'] },
    timeoutMs: 5000,
    maxAttempts: undefined,
    isEnabled: true,
    sealedSecret: undefined,
    sealedHeaders: undefined,
    headerNames: [],
    registeredAt: NOW,
    updatedAt: NOW,
    resumedAt: NOW,
    disabledReason: undefined,
    position: 0,
    failures: 0,
    failingSince: undefined,
    nextAttemptAt: undefined,
    lastError: undefined,
    deliveredAt: undefined,
    ...choices,
  };
}

function deliveryOf(webhook: Webhook, eventId: number, choices: Partial<Delivery> = {}): Delivery {
  return {
    webhookId: webhook.id,
    eventId,
    eventType: 'metrics',
    eventAt: NOW,
    state: 'delivered',
    attempts: 1,
    lastStatus: 200,
    lastError: undefined,
    lastLatencyMs: 12,
    answerStart: 'ok',
    bodySha256: 'ab'.repeat(32),
    bodyBytes: 17,
    firstAttemptAt: NOW,
    lastAttemptAt: NOW,
    nextAttemptAt: undefined,
    ...choices,
  };
}

function reportOf(webhook: Webhook, choices: Partial<ProgressReport> = {}): ProgressReport {
  const { id: webhookId, updatedAt } = webhook;
  return { webhookId, updatedAt, progress: webhook, deliveries: [], ...choices };
}

export function itKeepsWebhooks(open: () => Promise<OpenStores>): void {
  const LEASE = { holder: 'one', nowMs: NOW, forMs: 1000, formats: ['vm-metrics'] };

  it('answers a webhook as it was inserted, the oldest first', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const plain = webhookOf('1');
    const full = webhookOf('2', {
      ...{ customerId: ADA, maxAttempts: 7, isEnabled: false, disabledReason: 'gone' },
      ...{ sealedSecret: 's', sealedHeaders: 'h', headerNames: ['X-A'], position: 12, failures: 3 },
      ...{ failingSince: 5, nextAttemptAt: 6, lastError: 'e', deliveredAt: 7 },
      registeredAt: NOW - 1,
    });
    await webhooks.insert(plain, LIMITS);
    await webhooks.insert(full, LIMITS);
    assert.deepEqual(await webhooks.find(full.id), full);
    assert.deepEqual(await webhooks.list(), [full, plain]);
    assert.equal(await webhooks.find(webhookOf('3').id), undefined);
  });

  it('takes so many of one owner and so many in all, also when they come at once', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const insert = (digits: string, customerId?: CustomerId) =>
      webhooks.insert(webhookOf(digits, { customerId }), LIMITS);
    const outcomes = await Promise.allSettled(['1', '2', '3', '4', '5'].map((at) => insert(at)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
    const refusal = { kind: 'resource_exhausted', reason: 'TOO_MANY_WEBHOOKS' };
    await assert.rejects(insert('9'), refusal);
    await insert('a', ADA);
    await insert('b', BOB);
    await assert.rejects(insert('c', BOB), refusal);
    assert.ok(await webhooks.remove(webhookOf('a').id));
    await insert('c', BOB);
  });

  it('changes what is named and nothing else, and tells each change from the last', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const webhook = webhookOf('1', {
      failures: 2,
      failingSince: 5,
      lastError: 'e',
      maxAttempts: 3,
    });
    await webhooks.insert(webhook, LIMITS);
    const first = await webhooks.change(webhook.id, { isEnabled: false }, NOW);
    assert.deepEqual(first, { ...webhook, isEnabled: false, updatedAt: NOW + 1 });
    const changes = { maxAttempts: undefined, failures: 0, failingSince: undefined };
    const second = await webhooks.change(webhook.id, { ...changes, isEnabled: true }, NOW + 5);
    assert.deepEqual(second, { ...webhook, ...changes, updatedAt: NOW + 5 });
    assert.equal(await webhooks.change(webhookOf('2').id, {}, NOW), undefined);
  });

  it('has another version after each change, and not after mere progress', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const webhook = webhookOf('1');
    const seen = [await webhooks.version()];
    await webhooks.insert(webhook, LIMITS);
    seen.push(await webhooks.version());
    await webhooks.change(webhook.id, { timeoutMs: 1 }, NOW);
    seen.push(await webhooks.version());
    await webhooks.lease(LEASE);
    await webhooks.record('one', [reportOf(webhook)], NOW);
    assert.equal(await webhooks.version(), seen.at(-1));
    await webhooks.remove(webhook.id);
    seen.push(await webhooks.version());
    assert.equal(new Set(seen).size, 4);
  });

  it('leases each webhook to one holder until it runs out or is released', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const [a, b] = [webhookOf('a'), webhookOf('b')];
    await webhooks.insert(a, LIMITS);
    await webhooks.insert(webhookOf('c', { isEnabled: false }), LIMITS);
    await webhooks.insert(webhookOf('d', { format: 'other', customerId: ADA }), LIMITS);
    const other = { ...LEASE, holder: 'other' };
    assert.deepEqual(await webhooks.lease(LEASE), new Set([a.id]));
    await webhooks.insert(b, LIMITS);
    assert.deepEqual(await webhooks.lease(other), new Set([b.id]));
    assert.deepEqual(await webhooks.lease({ ...LEASE, nowMs: NOW + 900 }), new Set([a.id]));
    // The other one is silent: its lease ends at 1000, the first one's was renewed to 1900.
    assert.deepEqual(await webhooks.lease({ ...LEASE, nowMs: NOW + 1000 }), new Set([a.id, b.id]));
    assert.deepEqual(await webhooks.lease({ ...other, nowMs: NOW + 1000 }), new Set());
    await webhooks.release('one');
    assert.deepEqual(await webhooks.lease({ ...other, nowMs: NOW + 1000 }), new Set([a.id, b.id]));
    // The clock is set back by a day: nobody has a lease for as long as that.
    const earlier = { ...LEASE, nowMs: NOW - 86_400_000 };
    assert.deepEqual(await webhooks.lease(earlier), new Set([a.id, b.id]));
  });

  it('gives a webhook to one of two that ask at once', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    await webhooks.insert(webhookOf('a'), LIMITS);
    const holders = ['one', 'two', 'three', 'four'];
    const held = await Promise.all(holders.map((holder) => webhooks.lease({ ...LEASE, holder })));
    assert.equal(held.filter((ids) => ids.size === 1).length, 1);
  });

  it('records progress and deliveries together, and only for the holder', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const [a, b] = [webhookOf('a'), webhookOf('b')];
    await webhooks.insert(a, LIMITS);
    await webhooks.lease(LEASE);
    await webhooks.insert(b, LIMITS);
    await webhooks.lease({ ...LEASE, holder: 'other' });
    const progress = { ...a, position: 9, failures: 1, failingSince: 4, lastError: 'e' };
    const reports = [b, a].map((webhook) =>
      reportOf(webhook, { progress, deliveries: [deliveryOf(webhook, 9)] }),
    );
    assert.deepEqual(await webhooks.record('one', reports, NOW), new Set([b.id]));
    assert.deepEqual(await webhooks.find(a.id), progress);
    assert.deepEqual(await webhooks.find(b.id), b);
    assert.deepEqual(await webhooks.findDelivery(a.id, 9), deliveryOf(a, 9));
    assert.equal(await webhooks.findDelivery(b.id, 9), undefined);
    const gone = reportOf(webhookOf('c'), { deliveries: [deliveryOf(webhookOf('c'), 1)] });
    assert.deepEqual(await webhooks.record('one', [gone], NOW), new Set([webhookOf('c').id]));
  });

  it('keeps the clean record its owner gave it from a report on how it was before', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const before = webhookOf('a', { failures: 5, failingSince: 3, nextAttemptAt: NOW + 60_000 });
    await webhooks.insert(before, LIMITS);
    await webhooks.lease(LEASE);
    const clean = { failures: 0, failingSince: undefined, nextAttemptAt: undefined };
    const after = await webhooks.change(before.id, clean, NOW);
    const late = reportOf(before, { progress: { ...before, position: 4 } });
    assert.deepEqual(await webhooks.record('one', [late], NOW), new Set());
    assert.deepEqual(await webhooks.find(before.id), { ...after, position: 4 });
  });

  it('disables a webhook whose receiver is gone', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const webhook = webhookOf('a');
    await webhooks.insert(webhook, LIMITS);
    await webhooks.lease(LEASE);
    const version = await webhooks.version();
    await webhooks.record('one', [reportOf(webhook, { disabledReason: '410' })], NOW + 1);
    const changed = { isEnabled: false, disabledReason: '410', updatedAt: NOW + 1 };
    assert.deepEqual(await webhooks.find(webhook.id), { ...webhook, ...changed });
    assert.notEqual(await webhooks.version(), version);
    assert.deepEqual(await webhooks.lease(LEASE), new Set());
  });

  it('keeps one row for each event, lists the newest first, finds what is pending', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const webhook = webhookOf('a');
    await webhooks.insert(webhook, LIMITS);
    for (const eventId of [1, 2, 3, 4]) {
      const state = eventId === 4 ? 'pending' : eventId === 2 ? 'dead' : 'delivered';
      await webhooks.recordDelivery(deliveryOf(webhook, eventId, { state }));
    }
    await webhooks.recordDelivery(deliveryOf(webhook, 3, { attempts: 2, lastStatus: undefined }));
    await webhooks.recordDelivery(deliveryOf(webhookOf('b'), 3));
    const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ eventId }) => eventId);
    const query = { webhookId: webhook.id, states: [], limit: 3 };
    assert.deepEqual(idsOf(await webhooks.listDeliveries(query)), [4, 3, 2]);
    assert.deepEqual(idsOf(await webhooks.listDeliveries({ ...query, beforeEventId: 2 })), [1]);
    const delivered = { ...query, states: ['delivered'] as const };
    assert.deepEqual(idsOf(await webhooks.listDeliveries(delivered)), [3, 1]);
    assert.deepEqual(idsOf(await webhooks.listPending(webhook.id)), [4]);
    assert.equal((await webhooks.findDelivery(webhook.id, 3))?.attempts, 2);
    assert.equal(await webhooks.findDelivery(webhookOf('b').id, 3), undefined);
    await webhooks.remove(webhook.id);
    assert.deepEqual(await webhooks.listDeliveries(query), []);
  });

  it('cuts the log to the newest, and drops what is old, but nothing that is pending', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const webhook = webhookOf('a');
    await webhooks.insert(webhook, LIMITS);
    for (let eventId = 1; eventId <= 10; eventId += 1) {
      const state = eventId === 2 ? 'pending' : 'delivered';
      const lastAttemptAt = eventId === 9 ? NOW - 1000 : NOW;
      await webhooks.recordDelivery(deliveryOf(webhook, eventId, { state, lastAttemptAt }));
    }
    assert.equal(await webhooks.trimDeliveries(webhook.id, { olderThan: NOW - 500, most: 5 }), 5);
    const left = await webhooks.listDeliveries({ webhookId: webhook.id, states: [], limit: 99 });
    assert.deepEqual(
      left.map(({ eventId }) => eventId),
      [10, 8, 7, 6, 2],
    );
    const retention = { olderThan: NOW - 500, most: 100 };
    assert.equal(await webhooks.trimDeliveries(webhook.id, retention), 0);
  });

  it('counts what waits, of the kinds and the customer asked for, and no further', async () => {
    await using stores = await open();
    const { webhooks } = stores;
    const ofAda = { instanceId: 'vm-1', customerId: ADA };
    await emit(stores, NOW, [sampleEvent(), thresholdEvent(), sampleEvent(ofAda), sampleEvent()]);
    const count = (kinds: readonly EventKind[], afterId = 0, customerId?: CustomerId, most = 99) =>
      webhooks.countWaiting({ kinds, afterId, customerId, most });
    assert.equal(await count(['metrics.sampled']), 3);
    assert.equal(await count(['threshold.violated', 'threshold.resolved']), 1);
    assert.equal(await count(['metrics.sampled'], 1), 2);
    assert.equal(await count(['metrics.sampled'], 0, ADA), 1);
    assert.equal(await count(['metrics.sampled'], 0, undefined, 2), 2);
    assert.equal(await count([]), 0);
  });
}
