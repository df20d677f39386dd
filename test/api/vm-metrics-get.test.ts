/** What the vm-metrics surface shows of this moment, in which form, and to whom. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CUSTOMER, OPERATOR, OTHER_CUSTOMER, ask, createVm, get } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { until } from '#test/until.ts';
import { parseConfig } from '#apps/drover/config.ts';
import { FAKE_ENV } from '#apps/drover/client/fake-api.ts';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
const METRICS = parseConfig({ flags: new Map(), env: FAKE_ENV }).config.metrics;

async function runningVm(server: TestServer, token = CUSTOMER): Promise<string> {
  const id = await createVm(server, { token });
  await ask(server, 'BootVm', { vm_id: id }, token);
  return id;
}

/** Resolves when a sample has been taken that began after the call. */
async function nextSample(server: TestServer): Promise<void> {
  const { sampler } = server.server.context.measuring;
  for (let ticks = 0; ticks < 2; ticks += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _ = sampler.onTick(() => resolve());
    await promise;
  }
}

describe('GET /get', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer({ config: { metrics: { ...METRICS, intervalMs: 100 } } });
  });
  after(() => server[Symbol.asyncDispose]());

  it('shows this host, with the age of the sample', async () => {
    const { status, json, headers } = await get(server, '/get');
    assert.equal(status, 200);
    assert.equal(json.instance_id, 'test-host');
    assert.equal(json.account_id, null);
    assert.ok(Math.abs(json.timestamp - Date.now() / 1000) < 60);
    assert.ok(json.cpu.process_count > 1);
    assert.ok(json.memory.total > json.memory.available);
    assert.equal(json.memory.used, json.memory.total - json.memory.available);
    assert.ok(json.network.interfaces.some(({ name }: { name: string }) => name === 'lo'));
    assert.match(headers.get('x-sample-age-ms') ?? '', /^\d+$/);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  it('holds whole numbers and nulls only', async () => {
    const { json } = await get(server, '/get');
    const numbers: number[] = [];
    JSON.stringify(json, (_key, value: unknown) => {
      if (typeof value === 'number') numbers.push(value);
      return value;
    });
    assert.ok(numbers.length > 20);
    assert.ok(numbers.every((number) => Number.isSafeInteger(number)));
    assert.ok(json.cpu.usage_pct >= 0 && json.cpu.usage_pct <= 100);
  });

  it('picks a machine by its id', async () => {
    const id = await runningVm(server);
    await nextSample(server);
    const { status, json } = await get(server, `/get?instance_id=${id}`);
    assert.equal(status, 200);
    assert.equal(json.instance_id, id);
    assert.equal(json.account_id, '123');
    assert.ok(json.memory.used > 0);
    assert.equal(json.memory.free, null);
    assert.equal((await get(server, '/get?instance_id=test-host')).json.instance_id, 'test-host');
  });

  it('shows a machine that was booted since the last sample, with nothing measured', async () => {
    await using late = await openTestServer({
      config: { metrics: { ...METRICS, intervalMs: 24 * 3_600_000 } },
    });
    const { sampler } = late.server.context.measuring;
    // The second sample has rates, and the third is a day away.
    await until(() => sampler.latest?.readings.cpuUsageBps, 'the second sample');
    const id = await runningVm(late);
    const path = `/get?instance_id=${id}`;
    const { status, json } = await get(late, path);
    assert.equal(status, 200);
    assert.deepEqual([json.instance_id, json.account_id], [id, '123']);
    assert.deepEqual([json.memory.used, json.cpu.usage_pct, json.disks], [null, null, []]);
    assert.equal((await get(late, path, { token: OTHER_CUSTOMER })).status, 404);
    await ask(late, 'ShutdownVm', { vm_id: id, force: true }, CUSTOMER);
    assert.equal((await get(late, path)).status, 404);
  });

  it('shows a customer its own machines and neither others nor the host', async () => {
    const id = await runningVm(server);
    await nextSample(server);
    const path = `/get?instance_id=${id}`;
    assert.equal((await get(server, path, { token: CUSTOMER })).status, 200);
    assert.equal((await get(server, path, { token: OPERATOR })).status, 200);
    const foreign = await get(server, path, { token: OTHER_CUSTOMER });
    assert.equal(foreign.status, 404);
    const absent = await get(server, '/get?instance_id=vm_none', { token: OTHER_CUSTOMER });
    assert.equal(foreign.text.replaceAll(id, 'vm_none').length, absent.text.length);
    assert.equal((await get(server, '/get', { token: CUSTOMER })).status, 403);
    assert.equal(
      (await get(server, '/get?instance_id=test-host', { token: CUSTOMER })).status,
      404,
    );
  });

  for (const [query, field] of [
    ['instance_id=', 'instance_id'],
    ['instance_id=a&instance_id=b', 'instance_id'],
    ['instance=a', 'instance'],
  ] as const) {
    it(`refuses ?${query}, naming the parameter`, async () => {
      const { status, json } = await get(server, `/get?${query}`);
      assert.equal(status, 400);
      assert.equal(json.details[0].metadata.field, field);
    });
  }

  it('refuses a token that is none, where no token would do', async () => {
    assert.equal((await get(server, '/get', { token: 'nonsense' })).status, 401);
  });
});

describe('GET /metrics', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer({ config: { metrics: { ...METRICS, intervalMs: 100 } } });
  });
  after(() => server[Symbol.asyncDispose]());

  it('holds the host, its machines and the program, in one text', async () => {
    const id = await runningVm(server);
    await nextSample(server);
    const { status, text, headers } = await get(server, '/metrics');
    assert.equal(status, 200);
    assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(text, /^node_load1 \d/m);
    assert.match(text, /^node_memory_MemTotal_bytes \d{6,}$/m);
    assert.match(
      text,
      new RegExp(`^drover_machine_up\\{customer_id="123",machine_id="${id}"\\} 1$`, 'm'),
    );
    assert.match(text, /^process_resident_memory_bytes \d/m);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.equal(new Set(names).size, names.length);
  });

  it('speaks OpenMetrics to those who ask for it', async () => {
    const accept = { headers: { accept: OPENMETRICS } };
    const { text, headers } = await get(server, '/metrics', accept);
    assert.match(
      headers.get('content-type') ?? '',
      /^application\/openmetrics-text; version=1.0.0/,
    );
    assert.ok(text.endsWith('\n# EOF\n'));
    assert.match(text, /^# TYPE node_context_switches counter\nnode_context_switches_total \d/m);
    assert.match(text, /^# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total \d/m);
  });

  it('is compressed for those who take that', async () => {
    const response = await fetch(new URL('/metrics', server.url), {
      headers: { 'accept-encoding': 'gzip' },
    });
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.match(await response.text(), /^node_load1 /m);
    const plain = await fetch(new URL('/metrics', server.url), {
      headers: { 'accept-encoding': 'identity' },
    });
    assert.equal(plain.headers.get('content-encoding'), null);
    await plain.body?.cancel();
  });

  it('is for operators, since it names every customer', async () => {
    assert.equal((await get(server, '/metrics', { token: CUSTOMER })).status, 403);
    assert.equal((await get(server, '/metrics', { token: OPERATOR })).status, 200);
  });
});

describe('where metrics need a token', () => {
  it('nobody without one reads them, and health is open all the same', async () => {
    await using server = await openTestServer({
      config: { metrics: { ...METRICS, isOpen: false, intervalMs: 100 } },
    });
    for (const path of ['/get', '/metrics', '/api/v1/webhooks']) {
      assert.equal((await get(server, path)).status, 401, path);
      assert.equal((await get(server, path, { token: OPERATOR })).status, 200, path);
    }
    assert.equal((await get(server, '/api/v1/health/status')).status, 200);
  });
});

describe('collectors', () => {
  it('can be switched off one by one', async () => {
    await using server = await openTestServer({
      config: { metrics: { ...METRICS, without: ['loadavg'], intervalMs: 100 } },
    });
    const { text } = await get(server, '/metrics');
    assert.doesNotMatch(text, /^node_load1|collector="loadavg"/m);
    assert.match(text, /^node_memory_MemTotal_bytes /m);
    assert.equal((await get(server, '/get')).json.load.load1, null);
  });

  it('are refused by name when there is none of that name', async () => {
    const metrics = { ...METRICS, without: ['loadavgs'] };
    await assert.rejects(openTestServer({ config: { metrics } }), {
      kind: 'invalid_argument',
      message: /metrics\.without: there is no collector loadavgs; did you mean loadavg/,
    });
  });
});
