/** What apps are told by the platform: events of real machines, and that it is time. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json as readJson } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { ask, type Json } from '#test/api-client.ts';
import { BARE, createDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { openServer, type LoopbackServer } from '#test/loopback-server.ts';
import { PoolClient } from '#test/pool-client.ts';
import { until } from '#test/until.ts';

/** Passes on what it is asked to a program outside, and answers as that does. */
const REPORTER = `
  export default {
    async fetch(request, { app, caller }) {
      const { method, url, headers } = request;
      const body = await request.text();
      const told = { app, caller, method, url, headers: Object.fromEntries(headers), body };
      const answer = await fetch(process.env.REPORT_TO, {
        method: 'POST',
        body: JSON.stringify(told),
      });
      return new Response(null, { status: answer.status });
    },
  };
`;

/** What the app was asked, as it passes it on; whether it is answered decides the test. */
class Reports implements AsyncDisposable {
  readonly all: Json[] = [];
  readonly held: ServerResponse[] = [];
  isHolding = false;
  #server: LoopbackServer | undefined;

  static async open(t: TestContext): Promise<Reports> {
    const reports = new Reports();
    reports.#server = await openServer(
      (request, response) => void reports.#take(request, response),
    );
    t.after(() => reports[Symbol.asyncDispose]());
    return reports;
  }

  get server(): LoopbackServer {
    return this.#server ?? assert.fail('it is not open');
  }

  /** Those of the path, the body parsed, once there are so many. */
  async of(path: string, count: number): Promise<Json[]> {
    return await until(() => {
      const found = this.all.filter(({ url }) => new URL(url).pathname === path);
      return found.length >= count ? found : undefined;
    }, `${count} at ${path}`);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.all.push(await readJson(request));
    if (this.isHolding) this.held.push(response);
    else response.writeHead(204).end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

async function deploy(
  host: DroverHost,
  reports: Reports,
  { version = '1.0.0', ...manifest }: Json,
): Promise<void> {
  using client = new PoolClient(host.url);
  const { url, port } = reports.server;
  await client.deploy({
    ...{ name: 'reporter', version, app: { source: REPORTER } },
    manifest: { allowed_hosts: [`127.0.0.1:${port}`], env: { REPORT_TO: url }, ...manifest },
  });
}

const FLAGS = ['--apps-private-addresses'];
const EVENTS = {
  on: ['machine.created', { event: 'machine.state-changed', path: '/changed?a=1' }],
};

describe('an app that listens to events', () => {
  it('is told of a machine as documented, and of each event after a crash too', async (t) => {
    const reports = await Reports.open(t);
    const host = await DroverHost.start(t, { flags: FLAGS });
    await deploy(host, reports, EVENTS);
    const vmId = await createDemo(host, { ...BARE, id: 'first' });
    const [created] = await reports.of('/events', 1);
    assertDelivery(created, 'machine.created');
    const { id, timestamp, ...event } = JSON.parse(created.body);
    assert.ok(Number.isSafeInteger(id) && Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
    const { message, ...data } = event.data;
    assert.deepEqual(
      { ...event, data },
      {
        type: 'machine.created',
        data: { machine_id: vmId, customer_id: '123', state: 'created', reason: 'requested' },
      },
    );
    assert.match(message, /\w/);

    // What was begun and never answered, and what waits behind it, when the server is killed.
    reports.isHolding = true;
    await createDemo(host, { id: 'second' });
    const [, second] = await reports.of('/events', 2);
    await createDemo(host, { id: 'third' });
    await ask(host, 'BootVm', { vm_id: vmId });
    await reports.of('/changed', 1);
    await host.crash();
    reports.isHolding = false;
    for (const response of reports.held) response.destroy();
    const before = reports.all.length;
    await host.up();
    await createDemo(host, { id: 'fourth' });
    await ask(host, 'ShutdownVm', { vm_id: vmId, force: true });
    const later = (await reports.of('/events', 5)).slice(2);
    assert.deepEqual(later.map(machineOf), ['second', 'third', 'fourth']);
    assert.equal(later[0].headers['webhook-id'], second.headers['webhook-id']);
    const changed = (await reports.of('/changed', 3)).slice(1);
    assert.deepEqual(
      changed.map(({ body }) => [JSON.parse(body).data.from, JSON.parse(body).data.state]),
      [
        ['created', 'running'],
        ['running', 'shutdown'],
      ],
    );
    for (const delivery of reports.all.slice(before)) {
      const isChange = new URL(delivery.url).pathname === '/changed';
      assertDelivery(delivery, isChange ? 'machine.state-changed' : 'machine.created');
    }
  });
});

function machineOf({ body }: Json): string {
  return JSON.parse(body).data.machine_id;
}

function assertDelivery({ app, caller, method, url, headers, body }: Json, type: string): void {
  assert.deepEqual(app, { name: 'reporter', version: '1.0.0' });
  assert.deepEqual(caller, { kind: 'platform', id: 'event' });
  const path = type === 'machine.created' ? '/events' : '/changed?a=1';
  assert.equal(`${method} ${url}`, `POST http://drover.internal${path}`);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['x-drover-event'], type);
  assert.match(headers['webhook-id'], /^msg_\w+$/);
  assert.ok(Math.abs(Number(headers['webhook-timestamp']) * 1000 - Date.now()) < 60_000);
  assert.equal(JSON.parse(body).type, type);
}

describe('an app with a cron entry', () => {
  it('is called each time, by its current version, over a restart too', async (t) => {
    const reports = await Reports.open(t);
    const host = await DroverHost.start(t, { flags: FLAGS });
    await deploy(host, reports, { cron: [{ schedule: '* * * * * *', path: '/tick?of=clock' }] });
    const ticks = await reports.of('/tick', 2);
    for (const { caller, method, url, headers, body } of ticks) {
      assert.deepEqual(caller, { kind: 'platform', id: 'cron' });
      assert.equal(`${method} ${url} ${body}`, 'POST http://drover.internal/tick?of=clock ');
      assert.equal(headers['x-drover-cron'], '* * * * * *');
    }
    await host.crashAndRestart();
    await reports.of('/tick', reports.all.length + 1);
    const cron = [{ schedule: '* * * * * *', path: '/tock', method: 'PUT' }];
    await deploy(host, reports, { version: '2.0.0', cron });
    const [{ app, method } = assert.fail()] = await reports.of('/tock', 2);
    assert.deepEqual([app.version, method], ['2.0.0', 'PUT']);
    const last = reports.all.findLastIndex(({ url }) => url.includes('/tick'));
    assert.ok(last < reports.all.findIndex(({ url }) => url.includes('/tock')));
  });
});
