/** A real machine as it is measured, and what is told when it dies. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { ask, CUSTOMER, get, OTHER_CUSTOMER, post, type Json } from '#test/api-client.ts';
import { BARE, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { until } from '#test/until.ts';
import { openReceiver, type Received, type WebhookReceiver } from '#test/webhook-receiver.ts';

const SECRET = 'correct horse battery staple';

/** The value of one series by PromQL, once there is one that fits. */
async function value(host: DroverHost, query: string, fits: (value: number) => boolean) {
  const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
  return await until(async () => {
    const { json } = await get(host, path);
    const found = json.data.result[0]?.value[1];
    return found !== undefined && fits(Number(found)) ? Number(found) : undefined;
  }, query);
}

/** The first event in this state. One may come twice when the server dies as it is told. */
async function told(receiver: WebhookReceiver, state: string): Promise<Json> {
  const request = await until(() => receiver.received.find(is(state)), `an event that is ${state}`);
  const signature = createHmac('sha256', SECRET).update(request.body).digest('hex');
  assert.equal(request.headers['x-webhook-signature'], signature);
  assert.equal(request.headers['x-webhook-event'], 'threshold_violation');
  return JSON.parse(request.body.toString());
}

const is =
  (state: string) =>
  ({ body }: Received): boolean =>
    JSON.parse(body.toString()).data.state === state;

/** How many events there were, each counted once however often it came. */
function countOf(receiver: WebhookReceiver, state: string): number {
  return new Set(receiver.received.filter(is(state)).map(({ headers }) => headers['webhook-id']))
    .size;
}

describe('a machine that is measured', { concurrency: 2 }, () => {
  it('shows what it uses, now and in history, to its owner and to operators', async (t) => {
    const host = await DroverHost.start(t);
    const busy = await runDemo(host, { script: 'while :; do :; done' });
    const idle = await runDemo(host, { token: OTHER_CUSTOMER });
    const usage = 'drover_machine_cpu_usage_percent';
    await value(host, `${usage}{machine_id="${busy}"}`, (percent) => percent > 20);
    const memory = `drover_machine_memory_bytes{machine_id="${idle}"}`;
    await value(host, memory, (held) => held > 0);
    // The first sample may be of a guest that has not yet looked at its disk.
    const json = await until(async () => {
      const { json: shown } = await get(host, `/get?instance_id=${idle}`, {
        token: OTHER_CUSTOMER,
      });
      return shown.disks[0].sectors_read > 0 ? shown : undefined;
    }, 'sectors that were read');
    assert.equal(json.account_id, 'other');
    assert.ok(json.memory.used > 1024 ** 2 && json.memory.used < 1024 ** 3);
    const { text } = await get(host, '/metrics');
    assert.match(text, new RegExp(`^drover_machine_up\\{.*machine_id="${busy}"\\} 1$`, 'm'));
    const range = await get(host, `/api/v1/metrics/range?metric=${usage}&from=-1m&step=1s`, {
      token: CUSTOMER,
    });
    assert.deepEqual(
      range.json.series.map(({ labels }: Json) => labels.machine_id),
      [busy],
    );
    const all = await get(host, `/api/v1/query?query=${usage}`, { token: OTHER_CUSTOMER });
    assert.deepEqual(
      all.json.data.result.map(({ metric }: Json) => metric.machine_id),
      [idle],
    );
  });

  it('tells its owner when it dies and when it is back, and that survives kill -9', async (t) => {
    await using receiver = await openReceiver();
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host, BARE);
    const call = { token: CUSTOMER };
    const rule = {
      ...{ name: 'gone', metric: 'drover_machine_up', comparison: '<', value: 1 },
      severity: 'critical',
    };
    assert.equal((await post(host, '/api/v1/rules', { ...call, body: rule })).status, 201);
    const webhook = { url: receiver.url, event_types: ['threshold_violation'], secret: SECRET };
    assert.equal((await post(host, '/api/v1/webhooks', { ...call, body: webhook })).status, 201);
    await value(host, `drover_machine_up{machine_id="${vmId}"}`, (up) => up === 1);
    process.kill(await host.guestPid(vmId), 'SIGKILL');
    const violation = await told(receiver, 'firing');
    assert.equal(violation.event_type, 'threshold_violation');
    assert.equal(violation.data.state, 'firing');
    assert.equal(violation.data.machine_id, vmId);
    assert.equal(violation.data.rule.name, 'gone');
    assert.equal(violation.data.current_value, 0);
    await host.crashAndRestart();
    const { json } = await get(host, '/api/v1/alerts?state=firing', call);
    assert.deepEqual(
      json.alerts.map(({ rule_name: name }: Json) => name),
      ['gone'],
    );
    await ask(host, 'BootVm', { vm_id: vmId });
    const resolved = await told(receiver, 'resolved');
    assert.equal(resolved.data.machine_id, vmId);
    assert.deepEqual([countOf(receiver, 'firing'), countOf(receiver, 'resolved')], [1, 1]);
  });
});
