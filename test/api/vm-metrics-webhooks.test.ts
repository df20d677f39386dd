/** Webhooks over real connections: what is registered is called. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { parseConfig } from '#apps/drover/config.ts';
import { FAKE_ENV } from '#apps/drover/client/fake-api.ts';
import { get, post } from '#test/api-client.ts';
import { openTestServer } from '#test/drover-server.ts';
import { openReceiver } from '#test/webhook-receiver.ts';

const { metrics: METRICS } = parseConfig({ flags: new Map(), env: FAKE_ENV }).config;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('a webhook', () => {
  it('for metrics is sent the object of /get each so often, signed in both ways', async () => {
    await using receiver = await openReceiver();
    const webhooks = { allowPrivate: true, metricsIntervalMs: 200 };
    await using server = await openTestServer({
      config: { metrics: { ...METRICS, webhooks, intervalMs: 100 } },
    });
    const body = { url: receiver.url, event_types: ['metrics'], secret: SECRET };
    assert.equal((await post(server, '/api/v1/webhooks', { body })).status, 201);
    await receiver.until(3);
    const [first] = receiver.received;
    assert.ok(first);
    const { event_type: type, timestamp, data } = JSON.parse(first.body.toString());
    const { json: shown } = await get(server, '/get');
    assert.equal(type, 'metrics');
    assert.equal(typeof timestamp, 'number');
    assert.deepEqual(Object.keys(data), Object.keys(shown));
    assert.equal(data.instance_id, 'test-host');
    const { headers } = first;
    assert.equal(headers['user-agent'], 'Form-VM-Metrics-Webhook');
    assert.equal(headers['content-type'], 'application/json');
    const hex = createHmac('sha256', SECRET).update(first.body).digest('hex');
    assert.equal(headers['x-webhook-signature'], hex);
    new Webhook(SECRET).verify(first.body, {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    });
  });

  it('can be tried out, and says what the receiver answered', async () => {
    await using receiver = await openReceiver();
    await using server = await openTestServer();
    const body = { url: receiver.url, event_types: ['threshold_violation'] };
    const { json } = await post(server, '/api/v1/webhooks', { body });
    const fine = await post(server, `/api/v1/webhooks/${json.id}/test`);
    assert.deepEqual([fine.json.delivered, fine.json.status], [true, 200]);
    receiver.statusOf = () => 503;
    const failing = await post(server, `/api/v1/webhooks/${json.id}/test`);
    assert.deepEqual([failing.json.delivered, failing.json.status], [false, 503]);
  });

  it('may not lead where the server alone can go, once others reach the server', async () => {
    const webhooks = { allowPrivate: false, metricsIntervalMs: 1000 };
    await using server = await openTestServer({ config: { metrics: { ...METRICS, webhooks } } });
    for (const url of ['http://127.0.0.1:1/', 'http://10.0.0.1/', 'http://169.254.169.254/']) {
      const body = { url, event_types: ['metrics'] };
      const { status, json } = await post(server, '/api/v1/webhooks', { body });
      assert.equal(status, 400, url);
      assert.equal(json.details[0].metadata.field, 'url');
    }
  });
});
