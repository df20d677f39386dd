import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { systemClock } from '#kernel/clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { answered, sampleEvent, thresholdEvent } from '#test/webhook-fixture.ts';
import { registerWebhookRoutes } from './webhook-routes.ts';

const PATH = '/api/v1/webhooks';
const DOCUMENTED = {
  url: 'https://example.com/webhook',
  event_types: ['metrics', 'threshold_violation'],
  secret: 'optional_shared_secret',
};

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

function createApi(engine: WebhookEngineFixture): FastifyInstance {
  const app = createEdgeApp({
    log: engine.logged.log,
    clock: systemClock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  registerAuthentication(app, new Authenticator({ devMode: true }));
  registerWebhookRoutes(app, { webhooks: engine.webhooks, clock: engine.clock });
  return app;
}

async function call(app: FastifyInstance, options: InjectOptions, token = 'dev_operator') {
  const headers = { authorization: `Bearer ${token}`, ...options.headers };
  const { statusCode: status, body: text } = await app.inject({ ...options, headers });
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status, body, text } satisfies Answer;
}

function post(payload: unknown, url = PATH): InjectOptions {
  return { method: 'POST', url, payload: payload as object };
}

async function registered(app: FastifyInstance, changes: object = {}, token?: string) {
  const { body, status } = await call(app, post({ ...DOCUMENTED, ...changes }), token);
  assert.equal(status, 201);
  return String(body['id']);
}

describe('the webhook routes', () => {
  it('register, list and delete as documented', async () => {
    await using engine = await WebhookEngineFixture.open();
    const app = createApi(engine);
    const registered_at = Math.floor(engine.clock.nowMs() / 1000);
    const { secret: _secret, ...shown } = DOCUMENTED;
    const created = await call(app, post(DOCUMENTED));
    const { id } = created.body;
    assert.equal(created.status, 201);
    assert.match(String(id), /^webhook_[0-9a-f]{8,}$/);
    assert.deepEqual(created.body, { id, status: 'registered', ...shown, registered_at });
    const listed = await call(app, { url: PATH });
    assert.equal(listed.status, 200);
    assert.ok(Array.isArray(listed.body) && listed.body.length === 1);
    const [first] = listed.body as Record<string, unknown>[];
    assert.deepEqual(Object.entries(first ?? {}).slice(0, 4), [
      ['id', id],
      ...Object.entries({ ...shown, registered_at }),
    ]);
    assert.doesNotMatch(listed.text, /secret/);
    const gone = await call(app, { method: 'DELETE', url: `${PATH}/${String(id)}` });
    assert.deepEqual([gone.status, gone.text], [204, '']);
    const again = await call(app, { method: 'DELETE', url: `${PATH}/${String(id)}` });
    assert.equal(again.status, 404);
    assert.deepEqual((await call(app, { url: PATH })).body, []);
  });

  it('show, change, pause and clear what was registered', async () => {
    await using engine = await WebhookEngineFixture.open();
    const app = createApi(engine);
    const id = await registered(app, {
      ...{ headers: { Authorization: 'Bearer opensesame' }, timeout_ms: 1000, max_attempts: 3 },
      filter: { instance_id: 'vm-1', severity: ['critical'], rule: 'cpu high' },
    });
    const url = `${PATH}/${id}`;
    const shown = await call(app, { url });
    assert.deepEqual(
      [shown.body['signed'], shown.body['header_names'], shown.body['filter']],
      [
        true,
        ['Authorization'],
        { instance_id: ['vm-1'], severity: ['critical'], rule: ['cpu high'] },
      ],
    );
    assert.doesNotMatch(shown.text, /opensesame|optional_shared/);
    const changes = { enabled: false, secret: null, max_attempts: null, filter: {}, headers: {} };
    const changed = await call(app, { method: 'PATCH', url, payload: changes });
    const { enabled, signed, max_attempts, filter, header_names, timeout_ms } = changed.body;
    assert.deepEqual(
      { enabled, signed, max_attempts, filter, header_names, timeout_ms },
      {
        ...{ enabled: false, signed: false, max_attempts: null, filter: {}, header_names: [] },
        timeout_ms: 1000,
      },
    );
    assert.equal((await call(app, { method: 'PATCH', url, payload: {} })).status, 200);
  });

  it("show a customer nothing of another's, and tell it so in the words for nothing", async () => {
    await using engine = await WebhookEngineFixture.open();
    const app = createApi(engine);
    const id = await registered(app, {}, 'dev_customer_ada');
    const requests: InjectOptions[] = [
      { url: `${PATH}/${id}` },
      { url: `${PATH}/${id}/deliveries` },
      { method: 'PATCH', url: `${PATH}/${id}`, payload: { enabled: false } },
      { method: 'DELETE', url: `${PATH}/${id}` },
      { method: 'POST', url: `${PATH}/${id}/test` },
      { method: 'POST', url: `${PATH}/${id}/deliveries/msg_1_1/redeliver` },
    ];
    for (const request of requests) {
      const { status, body } = await call(app, request, 'dev_customer_bob');
      assert.equal(status, 404, request.url as string);
      assert.match(String(body['message']), /there is no webhook webhook_\w+, or it is not yours/);
    }
    assert.deepEqual((await call(app, { url: PATH }, 'dev_customer_bob')).body, []);
    const ofAda = await call(app, { url: PATH }, 'dev_customer_ada');
    const ofAll = await call(app, { url: PATH });
    assert.deepEqual(ofAda.body, ofAll.body);
    for (const strange of ['webhook_', 'x', '../..', '%00', 'webhook_zzzzzzzz']) {
      const { status } = await call(app, { url: `${PATH}/${encodeURIComponent(strange)}` });
      assert.equal(status, 404);
    }
  });

  it('list deliveries in pages, by state, and send one again', async () => {
    await using engine = await WebhookEngineFixture.open();
    const app = createApi(engine);
    const id = await registered(app, { max_attempts: 1 });
    engine.sender.behave = ({ text }) => answered(text.includes('rule_3') ? 500 : 200);
    const events = [1, 2, 3, 4, 5].map((at) => thresholdEvent({ ruleId: `rule_${at}` }));
    await engine.emit(...events);
    await engine.until(() => engine.sender.sent.length === 5);
    const url = `${PATH}/${id}/deliveries`;
    const seen: unknown[] = [];
    let token = '';
    do {
      const { body, status } = await call(app, {
        url,
        query: { page_size: '2', page_token: token },
      });
      assert.equal(status, 200);
      seen.push(...(body['deliveries'] as unknown[]));
      token = String(body['next_page_token']);
    } while (token !== '');
    const sentIds = engine.sender.sent.map(({ headers }) => headers['webhook-id']);
    assert.deepEqual(
      seen.map((each) => (each as { id: string }).id),
      sentIds.toReversed(),
    );
    const { body } = await call(app, { url, query: { state: 'dead' } });
    const [dead, ...others] = body['deliveries'] as Record<string, unknown>[];
    assert.equal(others.length, 0);
    const { state, attempts, last_status, last_error, answer } = dead ?? {};
    assert.deepEqual(
      { state, attempts, last_status, last_error, answer },
      {
        ...{ state: 'dead', attempts: 1, last_status: 500, answer: 'said 500' },
        last_error: 'the receiver answered 500',
      },
    );
    engine.sender.behave = () => answered(200);
    const again = post(undefined, `${url}/${String(dead?.['id'])}/redeliver`);
    const { body: redelivered, status } = await call(app, again);
    assert.deepEqual(
      [status, redelivered['state'], redelivered['attempts']],
      [200, 'delivered', 2],
    );
    assert.match(engine.sender.sent.at(-1)?.text ?? '', /rule_3/);
    for (const query of [{ state: 'lost' }, { page_size: '-1' }, { page_token: '!' }, { x: '1' }]) {
      assert.equal((await call(app, { url, query })).status, 400);
    }
  });

  it('try a receiver out', async () => {
    await using engine = await WebhookEngineFixture.open();
    const app = createApi(engine);
    const id = await registered(app);
    const test = (payload?: object) => call(app, post(payload, `${PATH}/${id}/test`));
    const { body } = await test({ event_type: 'threshold_violation' });
    assert.deepEqual([body['delivered'], body['status'], body['error']], [true, 200, null]);
    const sent = engine.sender.sent[0];
    assert.equal(sent?.headers['X-Webhook-Event'], 'threshold_violation');
    assert.match(sent?.headers['X-Webhook-Signature'] ?? '', /^[0-9a-f]{64}$/);
    assert.equal((JSON.parse(sent?.text ?? '') as { test: boolean }).test, true);
    engine.sender.behave = () => ({ kind: 'failed', error: 'refused', latencyMs: 1.4 });
    const failed = {
      delivered: false,
      status: null,
      error: 'refused',
      latency_ms: 1,
      answer: null,
    };
    assert.deepEqual((await test()).body, failed);
    assert.equal((await test({ event_type: 'x' })).status, 400);
  });
});

describe('what subscribers are sent', () => {
  it('is the documented body and headers', async () => {
    await using engine = await WebhookEngineFixture.open();
    const customerId = 'ada' as CustomerId;
    const app = createApi(engine);
    await registered(app, { secret: undefined }, 'dev_customer_ada');
    const timestamp = Math.floor(engine.clock.nowMs() / 1000);
    await engine.emit(sampleEvent({ instanceId: 'vm-1', customerId }));
    await engine.until(() => engine.sender.sent.length === 1);
    const [sent] = engine.sender.sent;
    const { 'webhook-id': id, 'webhook-timestamp': sentAt, ...headers } = sent?.headers ?? {};
    assert.deepEqual(headers, {
      'Content-Type': 'application/json',
      'User-Agent': 'Form-VM-Metrics-Webhook',
      'X-Webhook-Event': 'metrics',
    });
    assert.match(id ?? '', /^msg_[0-9a-f]+_\d+$/);
    assert.ok(Math.abs(Number(sentAt) - timestamp) <= 1);
    const body = JSON.parse(sent?.text ?? '') as Record<string, unknown>;
    assert.deepEqual(Object.keys(body), ['event_type', 'timestamp', 'data']);
    assert.deepEqual([body['event_type'], body['timestamp']], ['metrics', timestamp]);
    const data = body['data'] as { instance_id: string; cpu: unknown };
    assert.deepEqual(data.cpu, { usage_pct: 25, process_count: 42 });
    assert.equal(data.instance_id, 'vm-1');
    // The document's own way to check a signature takes the body apart and puts it together.
    assert.equal(JSON.stringify(body), sent?.text);
  });

  it('tells of a threshold that is crossed, and of its end', async () => {
    await using engine = await WebhookEngineFixture.open();
    await registered(createApi(engine));
    const ended = { kind: 'threshold.resolved', currentValue: undefined } as const;
    await engine.emit(thresholdEvent(), thresholdEvent(ended));
    await engine.until(() => engine.sender.sent.length === 2);
    const [firing, resolved] = engine.sender.sent.map(
      ({ text }) => (JSON.parse(text) as { data: Record<string, unknown> }).data,
    );
    assert.deepEqual(firing, {
      state: 'firing',
      rule: { id: 'rule_1', name: 'cpu high', severity: 'warning' },
      ...{ instance_id: 'host-1', account_id: 'acme', subject: 'cpu_usage', comparison: '>' },
      ...{ current_value: 92, threshold_value: 80, percentage: 15, since: 1_699_999_940 },
      labels: { mode: 'user' },
      message: 'cpu_usage is 92, over 80 for 60 s',
    });
    assert.equal(resolved?.['state'], 'resolved');
    assert.equal(resolved?.['current_value'], null);
    assert.equal(resolved?.['resolved_at'], Math.floor(engine.clock.nowMs() / 1000));
  });
});
