import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobEvent } from '#events/event.ts';
import type { JobId } from '#kernel/ids.ts';
import { injectMigration } from '#test/migration-fixture.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { answered } from '#test/webhook-fixture.ts';
import { CONFIGURED_SCOPE } from './find-webhook.ts';
import { configuredFormat, MIGRATION_EVENT_TYPES, migrationFormat } from './migration-format.ts';
import { parseWebhook } from './parse-webhook.ts';

const URL = 'https://hooks.example.com/notify';
/** The example of the document. */
const DOCUMENTED = {
  url: URL,
  events: ['job.completed', 'job.failed'],
  ...{ enabled: true, timeout: 30, retry_count: 3 },
  headers: { Authorization: 'Bearer token123' },
};

async function setUp() {
  const engine = await WebhookEngineFixture.open({ formats: [migrationFormat, configuredFormat] });
  const injected = injectMigration({
    parts: { webhooks: { service: engine.service, sender: engine.sender } },
  });
  return { ...injected, engine, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

const FAILED: JobEvent = {
  ...{ kind: 'job.failed', machineId: undefined, customerId: undefined },
  ...{ jobId: 'job-1' as JobId, jobKind: 'migration', subject: 'DC0/vm/a', name: 'nightly' },
  ...{ batchId: undefined, scheduleId: undefined, attempt: 2, message: 'it failed' },
  ...{ durationMs: 1500, error: 'the lease expired', errorKind: 'unavailable' },
};

describe('webhooks by index', () => {
  it('are added, listed and removed as documented', async () => {
    await using api = await setUp();
    const added = await api.call('POST', '/webhooks', DOCUMENTED);
    assert.equal(added.status, 201);
    assert.equal(added.json['message'], 'webhook added successfully');
    assert.doesNotMatch(JSON.stringify(added.json), /token123/);
    const listed = await api.call('GET', '/webhooks');
    assert.equal(listed.json['total'], 1);
    const [webhook] = listed.json['webhooks'] as Record<string, unknown>[];
    assert.partialDeepStrictEqual(webhook, {
      ...{ url: URL, events: ['job.completed', 'job.failed'], enabled: true },
      ...{ timeout: 30, retry_count: 3, index: 0, headers: { Authorization: '***' } },
    });
    assert.deepEqual(added.json['webhook'], webhook);
    assert.deepEqual((await api.call('GET', '/webhooks/0')).json, webhook);
    assert.deepEqual((await api.call('GET', `/webhooks/${String(webhook?.['id'])}`)).json, webhook);
    const removed = await api.call('DELETE', '/webhooks/0');
    assert.deepEqual([removed.status, removed.json['id']], [200, webhook?.['id']]);
    const again = await api.call('DELETE', '/webhooks/0');
    assert.equal(again.status, 404);
    assert.match(String(again.json['error']), /webhook index out of range/);
  });

  it('move up when one before them goes, and keep their ids', async () => {
    await using api = await setUp();
    const ids = [];
    for (const path of ['a', 'b', 'c']) {
      api.engine.clock.jumpWallClock(1);
      const { json } = await api.call('POST', '/webhooks', { url: `${URL}/${path}` });
      ids.push((json['webhook'] as { readonly id: string }).id);
    }
    await api.call('DELETE', '/webhooks/1');
    const third = await api.call('GET', '/webhooks/1');
    assert.deepEqual([third.json['id'], third.json['url']], [ids[2], `${URL}/c`]);
    assert.equal((await api.call('DELETE', `/webhooks/${ids[2]}`)).status, 200);
    assert.equal((await api.call('GET', `/webhooks/${ids[2]}`)).status, 404);
  });

  it('of the configuration come first, and cannot be removed', async () => {
    await using api = await setUp();
    await api.call('POST', '/webhooks', { url: URL });
    const guard = { refusalOf: () => undefined };
    const registration = parseWebhook({ url: `${URL}/set`, secret: 'hidden' }, guard);
    const set = await api.engine.service.register(CONFIGURED_SCOPE, registration);
    const { json } = await api.call('GET', '/webhooks');
    assert.deepEqual(
      (json['webhooks'] as Record<string, unknown>[]).map(({ index, url, source }) => [
        index,
        url,
        source,
      ]),
      [
        [0, `${URL}/set`, 'config'],
        [1, URL, 'api'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(json), /hidden/);
    for (const name of ['0', set.id]) {
      const removed = await api.call('DELETE', `/webhooks/${name}`);
      assert.deepEqual([removed.status, removed.json['code']], [412, 'failed_precondition']);
      assert.match(String(removed.json['error']), /take https:.* out of migration.webhooks/);
    }
    assert.equal((await api.call('POST', '/webhooks/0/test')).json['success'], true);
    assert.equal((await api.call('DELETE', '/webhooks/1')).status, 200);
    assert.equal((await api.call('GET', '/webhooks')).json['total'], 1);
  });

  it('are told of their events in the documented words, and of no others', async () => {
    await using api = await setUp();
    const { engine } = api;
    await api.call('POST', '/webhooks', DOCUMENTED);
    await engine.emit({ ...FAILED, kind: 'job.submitted' }, FAILED);
    await engine.until(() => engine.sender.sent.length > 0);
    const [sent] = engine.sender.sent;
    assert.equal(sent?.headers['Authorization'], 'Bearer token123');
    assert.equal(sent?.headers['User-Agent'], 'HyperSDK-Webhook/1.0');
    assert.equal(sent?.timeoutMs, 30_000);
    assert.deepEqual(JSON.parse(sent?.text ?? ''), {
      event: 'job.failed',
      timestamp: new Date(engine.clock.nowMs()).toISOString().replace(/\.\d+Z/, '.000Z'),
      data: {
        ...{ job_id: 'job-1', job_name: 'nightly', vm_path: 'DC0/vm/a', attempt: 2 },
        ...{ duration_seconds: 1.5, error: 'the lease expired', error_kind: 'unavailable' },
      },
    });
  });

  it('are tried once more than the retries say', async () => {
    await using api = await setUp();
    const { engine } = api;
    await api.call('POST', '/webhooks', { url: URL, events: ['job.failed'], retry: 1 });
    engine.sender.behave = () => answered(500);
    await engine.emit(FAILED);
    await engine.until(() => engine.sender.sent.length === 2);
    const [webhook] = await engine.service.list({ format: 'migration', customerId: undefined });
    assert.ok(webhook !== undefined);
    const { service } = engine;
    const scope = { format: 'migration', customerId: undefined };
    await engine.until(async () => {
      const query = { states: ['dead' as const], beforeEventId: undefined, limit: 10 };
      return (await service.listDeliveries(scope, webhook.id, query)).length === 1;
    });
    assert.equal(engine.sender.sent.length, 2);
  });

  const events: readonly (readonly [given: unknown, kept: readonly string[]])[] = [
    [undefined, MIGRATION_EVENT_TYPES],
    [[], MIGRATION_EVENT_TYPES],
    [['*'], MIGRATION_EVENT_TYPES],
    ['*', MIGRATION_EVENT_TYPES],
    [['job.created'], ['job.submitted']],
    [
      ['job.created', 'job.submitted', 'schedule.failed'],
      ['job.submitted', 'schedule.failed'],
    ],
  ];
  for (const [given, kept] of events) {
    it(`for the events ${JSON.stringify(given)} are for ${kept.length}`, () => {
      const guard = { refusalOf: () => undefined };
      assert.deepEqual(parseWebhook({ url: URL, events: given }, guard).eventTypes, kept);
    });
  }

  const refused: readonly (readonly [what: string, body: unknown, text: RegExp])[] = [
    ['without a URL', { events: [] }, /^url: is missing/],
    ['for a URL that is none', { url: 'hooks' }, /^url: must be a valid http/],
    ['for an event that there is not', { url: URL, events: ['job.x'] }, /events: must be one of/],
    ['with a timeout of nanoseconds', { url: URL, timeout: 1e-9 }, /timeout: must be a time from/],
    ['with a timeout of an hour', { url: URL, timeout: '1h' }, /timeout: must be a time from/],
    ['with one over a minute', { url: URL, timeout: 60.1 }, /timeout: must be a time from/],
    ['with endless retries', { url: URL, retry_count: 1000 }, /retry_count: must be a whole/],
    ['with a header of ours', { url: URL, headers: { Host: 'x' } }, /^headers.Host: is not yours/],
    ['in words', 'https://hooks.example.com', /must be a map/],
  ];
  for (const [what, body, text] of refused) {
    it(`are refused ${what}`, async () => {
      const { call } = injectMigration();
      const { status, json } = await call('POST', '/webhooks', body);
      assert.equal(status, 400);
      assert.match(String(json['error']), text);
    });
  }

  it('have an index that is a number', async () => {
    const { call } = injectMigration();
    const { status, json } = await call('DELETE', '/webhooks/first');
    assert.equal(status, 400);
    assert.match(String(json['error']), /^index: must be the index of a webhook, or its id/);
  });
});

describe('POST /webhooks/test', () => {
  it('sends to a URL that nobody registered, and says that it was taken', async () => {
    await using api = await setUp();
    const body = { url: URL, headers: { 'X-Own': 'a' }, timeout: 60 };
    const { status, json } = await api.call('POST', '/webhooks/test', body);
    assert.equal(status, 200);
    assert.partialDeepStrictEqual(json, {
      ...{ message: 'test webhook sent', success: true, status: 200, error: null },
    });
    const [sent] = api.engine.sender.sent;
    assert.deepEqual([sent?.url, sent?.timeoutMs], [URL, 60_000]);
    assert.equal(sent?.headers['X-Own'], 'a');
    assert.partialDeepStrictEqual(JSON.parse(sent?.text ?? ''), {
      ...{ event: 'test', data: { message: 'This is a test webhook', test: true } },
    });
    assert.equal((await api.call('GET', '/webhooks')).json['total'], 0);
  });

  it('tells the truth about what went wrong', async () => {
    await using api = await setUp();
    api.engine.sender.behave = () => answered(500);
    const { status, json } = await api.call('POST', '/webhooks/test', { url: URL, event: 'test' });
    assert.equal(status, 200);
    assert.partialDeepStrictEqual(json, {
      ...{ success: false, delivered: false, status: 500, error: 'the receiver answered 500' },
    });
    assert.match(String(json['message']), /^test webhook was not taken/);
  });

  it('goes nowhere that a registered one may not go', async () => {
    const refusalOf = () => 'leads to a metadata service';
    const { call } = injectMigration({ sender: { refusalOf } });
    const { status, json } = await call('POST', '/webhooks/test', { url: URL });
    assert.deepEqual([status, json['error']], [400, 'url: leads to a metadata service']);
  });

  it('to a registered one uses its own headers', async () => {
    await using api = await setUp();
    await api.call('POST', '/webhooks', DOCUMENTED);
    const { json } = await api.call('POST', '/webhooks/0/test');
    assert.equal(json['success'], true);
    const [sent] = api.engine.sender.sent;
    assert.equal(sent?.headers['Authorization'], 'Bearer token123');
    assert.partialDeepStrictEqual(JSON.parse(sent?.text ?? ''), { event: 'job.completed' });
    assert.equal((await api.call('POST', '/webhooks/1/test')).status, 404);
  });
});
