import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OPERATOR, WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { answered, thresholdEvent, violations } from '#test/webhook-fixture.ts';

describe('a delivery', () => {
  it('can be sent again: the same event under the same id, out of turn', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register({ maxAttempts: 1 });
    engine.sender.behave = () => answered(500);
    await engine.emit(...violations(2));
    await engine.until(() => engine.sender.sent.length === 2);
    const [first] = engine.sender.sent;
    const deliveryId = first?.headers['webhook-id'] ?? '';
    const { signal } = new AbortController();
    const redeliver = () =>
      engine.service.redeliver({ scope: OPERATOR, id: webhook.id, deliveryId }, signal);
    assert.equal((await redeliver()).state, 'failed');
    engine.sender.behave = () => answered(200);
    const delivered = await redeliver();
    assert.deepEqual([delivered.state, delivered.attempts], ['delivered', 3]);
    const last = engine.sender.sent.at(-1);
    assert.equal(last?.text, first?.text);
    assert.equal(last?.headers['webhook-id'], deliveryId);
    const kept = (await engine.deliveries(webhook)).map(({ state }) => state);
    assert.deepEqual(kept, ['delivered', 'dead']);
    await assert.rejects(
      engine.service.redeliver({ scope: OPERATOR, id: webhook.id, deliveryId: 'msg_x_1' }, signal),
      { kind: 'not_found', reason: 'DELIVERY_NOT_FOUND' },
    );
  });

  it('that is still tried by itself is not sent out of turn', async () => {
    await using engine = await WebhookEngineFixture.open();
    const webhook = await engine.register();
    engine.sender.behave = () => answered(500);
    await engine.emit(thresholdEvent());
    await engine.until(() => engine.sender.sent.length === 1);
    const deliveryId = engine.sender.sent[0]?.headers['webhook-id'] ?? '';
    const { signal } = new AbortController();
    const redelivery = { scope: OPERATOR, id: webhook.id, deliveryId };
    await assert.rejects(engine.service.redeliver(redelivery, signal), {
      kind: 'failed_precondition',
      reason: 'DELIVERY_PENDING',
    });
  });
});
