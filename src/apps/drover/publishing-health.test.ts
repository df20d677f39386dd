import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RemoteWriteHealth } from '#metrics/remote-write/remote-write.ts';
import type { WebhookHealth } from '#webhooks/webhook-health.ts';
import type { WebhookId } from '#webhooks/webhook.ts';
import { publishingHealth } from './publishing-health.ts';

const CALM: WebhookHealth = {
  enabled: 2,
  disabled: 0,
  failing: [],
  pending: 0,
  oldestPendingAt: undefined,
  lastDeliveredAt: 5000,
};

function webhooks(changes: Partial<WebhookHealth> = {}) {
  return { health: () => Promise.resolve({ ...CALM, ...changes }) };
}

function remoteWrite(problem: string | undefined, lastSuccessAt: number | undefined) {
  const receiver = { receiver: 'central', pendingSamples: 0, pendingBytes: 0, oldestPendingMs: 0 };
  const receivers = [{ ...receiver, lastSuccessAt, problem }];
  const health: RemoteWriteHealth = { queueBytes: 0, writeError: undefined, receivers };
  return { health: () => health };
}

describe('the health of publishing', () => {
  it('is ok while everybody takes what is sent, and says when that last was', async () => {
    const health = await publishingHealth(webhooks(), remoteWrite(undefined, 9000));
    assert.equal(health.status, 'ok');
    assert.equal(health.lastSuccessMs, 9000);
  });

  it('is ok when there is nobody to tell', async () => {
    const nobody = webhooks({ enabled: 0, lastDeliveredAt: undefined });
    const health = await publishingHealth(nobody, undefined);
    assert.deepEqual(health, {
      status: 'ok',
      lastSuccessMs: undefined,
      details: 'Nobody has asked to be told of events',
    });
  });

  it('degrades while a receiver fails, and says how many, since anybody may read it', async () => {
    const failing = {
      id: 'webhook_1a2b3c4d' as WebhookId,
      failures: 3,
      failingSince: 1,
      lastError: 'secret text of the receiver',
    };
    const health = await publishingHealth(
      webhooks({ failing: [failing], pending: 7, disabled: 1 }),
      remoteWrite('connection refused', undefined),
    );
    assert.equal(health.status, 'degraded');
    assert.match(health.details, /receivers of 1 webhooks fail; 7 events wait/);
    assert.match(health.details, /1 webhooks were switched off/);
    assert.match(health.details, /Remote write to 1 receivers fails/);
    assert.doesNotMatch(health.details, /secret|webhook_|central/);
  });
});
