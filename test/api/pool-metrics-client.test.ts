/** The package @drover/client, built as npm would install it, against real listeners. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { DroverApiError } from '#clients/ts/src/client.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { buildClient, type BuiltClient } from '#test/built-client.ts';
import { openTestServer } from '#test/drover-server.ts';
import { openPoolMetrics, fakeWorker } from '#test/pool-metrics-fixture.ts';
import { until } from '#test/until.ts';

const README = join(import.meta.dirname, '../../clients/ts/README.md');
const SECONDS_APART = 30;
const run = promisify(execFile);

let built: BuiltClient;
let client: Awaited<ReturnType<BuiltClient['load']>>;
before(async () => {
  built = await buildClient();
  client = await built.load();
});
after(() => built[Symbol.asyncDispose]());

/** A server of HTTP/1.1 that a test makes up. */
async function openHttp(answer: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('MetricsClient', () => {
  it('reads the numbers, the workers and the text for Prometheus', async () => {
    await using server = await openPoolMetrics();
    server.pool.views = [fakeWorker()];
    const metrics = new client.MetricsClient(`${server.url}/`);
    const { pool, uptime, timestamp } = await metrics.getMetrics();
    assert.equal(pool.utilization, 12 / 500);
    assert.equal(uptime, 0);
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < SECONDS_APART * 1000);
    const [worker] = (await metrics.getStats()).workers;
    assert.equal(worker?.memory.rss, 52428800);
    assert.equal(worker?.inFlight, 2);
    assert.match(await metrics.getPrometheus(), /^buntime_pool_active 12$/m);
  });

  it('sends its token with every call, the stream too', async () => {
    await using server = await openPoolMetrics({ isOpen: false });
    const metrics = new client.MetricsClient(server.url, { token: 'dev_operator' });
    assert.equal((await metrics.getMetrics()).pool.size, 500);
    const { promise, resolve } = Promise.withResolvers<number>();
    const sse = metrics.connectSSE(({ pool }) => resolve(pool.size));
    assert.equal(await promise, 500);
    sse.close();
  });

  it('says why it was refused, as an error with status, kind and reason', async () => {
    await using server = await openPoolMetrics({ isOpen: false });
    const refused = new client.MetricsClient(server.url, { token: 'dev_customer_acme' });
    await assert.rejects(refused.getStats(), (error) => {
      assert.ok(error instanceof client.DroverApiError);
      assert.equal(error.status, 403);
      assert.equal(error.kind, 'permission_denied');
      assert.equal(error.reason, 'OPERATOR_REQUIRED');
      assert.equal(error.message, 'this needs an operator token');
      assert.match(error.requestId ?? '', /^[0-9a-f]+$/);
      return true;
    });
  });

  it('says so when there is no server, none of ours, none in time, or no wish', async () => {
    const kindOf = async (answer: RequestListener, signal?: AbortSignal) => {
      await using server = await openHttp(answer);
      const metrics = new client.MetricsClient(server.url, { timeoutMs: 500 });
      return await metrics.getMetrics(signal).then(
        () => assert.fail('it answered'),
        ({ status, kind }: DroverApiError) => `${status} ${kind}`,
      );
    };
    assert.equal(await kindOf((request) => request.socket.destroy()), '0 unavailable');
    assert.equal(await kindOf((_request, response) => response.end('<html>')), '200 internal');
    assert.equal(
      await kindOf((_request, response) => response.writeHead(502).end('Bad Gateway')),
      '502 unavailable',
    );
    assert.equal(await kindOf(() => undefined), '0 deadline_exceeded');
    assert.equal(await kindOf(() => undefined, AbortSignal.abort()), '0 cancelled');
  });
});

describe('connectSSE without an EventSource of the runtime', () => {
  const event = (active: number) => `data: {"pool":{"active":${active}}}\n\n`;

  it('calls back for each event and ends when it is closed', async () => {
    const clock = new FakeClock();
    await using server = await openPoolMetrics({ clock });
    const seen: number[] = [];
    const sse = new client.MetricsClient(server.url).connectSSE(({ pool }) => {
      seen.push(pool.active);
    });
    assert.equal(sse.readyState, 0);
    await until(() => seen.length === 1 || undefined, 'the first event');
    assert.equal(sse.readyState, 1);
    server.pool.numbers = { ...server.pool.numbers, active: 14 };
    await clock.advance(1000);
    await until(() => seen.length === 2 || undefined, 'the second event');
    assert.deepEqual(seen, [12, 14]);
    sse.close();
    assert.equal(sse.readyState, 2);
    await until(() => clock.pendingTimers === 0 || undefined, 'the server to notice');
  });

  it('comes back after a lost connection, a broken one and a busy server', async () => {
    let calls = 0;
    await using server = await openHttp((_request, response) => {
      calls += 1;
      if (calls === 2) response.socket?.destroy();
      else if (calls === 3) response.writeHead(503).end();
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event(calls));
    });
    const seen: number[] = [];
    const states: number[] = [];
    const enough = Promise.withResolvers<void>();
    const sse = new client.MetricsClient(server.url, { retryMs: 1 }).connectSSE(({ pool }) => {
      seen.push(pool.active);
      if (seen.length === 3) enough.resolve();
    });
    sse.onerror = () => states.push(sse.readyState);
    await enough.promise;
    sse.close();
    assert.deepEqual(seen, [1, 4, 5]);
    assert.deepEqual(states.slice(0, 4), [0, 0, 0, 0]);
  });

  it('does not come back when it is refused, or is told nonsense', async () => {
    for (const type of ['application/json', 'text/html']) {
      let calls = 0;
      await using server = await openHttp((_request, response) => {
        calls += 1;
        response.writeHead(type === 'text/html' ? 200 : 403, { 'content-type': type }).end('{}');
      });
      const sse = new client.MetricsClient(server.url, { retryMs: 1 }).connectSSE(() => undefined);
      const [failed] = (await once(sse, 'error')) as [Event & { error: Error }];
      assert.ok(failed.error instanceof client.DroverApiError);
      assert.equal(sse.readyState, 2);
      assert.equal(calls, 1);
    }
  });

  it('reads events in whatever pieces they come', async () => {
    const text =
      '\uFEFF: ping\r\n\r\nevent: other\ndata: 0\n\n' +
      `data: {"pool":\rdata: {"active":7}}\r\n\r\n${event(8)}`;
    await using server = await openHttp((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      const bytes = Buffer.from(text);
      const send = (at: number) => {
        if (at < bytes.length) response.write(bytes.subarray(at, at + 1), () => send(at + 1));
      };
      send(0);
    });
    const seen: number[] = [];
    const done = Promise.withResolvers<void>();
    const sse = new client.MetricsClient(server.url).connectSSE(({ pool }) => {
      seen.push(pool.active);
      if (seen.length === 2) done.resolve();
    });
    await done.promise;
    sse.close();
    assert.deepEqual(seen, [7, 8]);
  });

  it('gives up on an event that has no end', async () => {
    await using server = await openHttp((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${'x'.repeat(2 ** 20)}`);
    });
    const sse = new client.MetricsClient(server.url).connectSSE(() => undefined);
    const [failed] = (await once(sse, 'error')) as [Event & { error: Error }];
    assert.ok(failed.error instanceof RangeError);
    sse.close();
  });
});

describe('the README of the package', () => {
  let examples: readonly string[] = [];
  const fileOf = (code: string) => `example-${examples.indexOf(code)}.ts`;
  before(async () => {
    const blocks = (await readFile(README, 'utf8')).matchAll(/^```ts\n(.*?)^```$/gms);
    examples = [...blocks].map(([, code = '']) => code);
    for (const code of examples) await writeFile(join(built.dir, fileOf(code)), code);
    await built.check(examples.map(fileOf));
  });

  /** As a program of its own, in a project that has the package installed. */
  async function runExample(code: string, url: string): Promise<string> {
    const file = join(built.dir, fileOf(code));
    await writeFile(file, code.replaceAll('http://localhost:8080', url));
    const { stdout } = await run(process.execPath, [file], { timeout: 30_000 });
    return stdout;
  }

  it('shows the worker pool in examples that run and end by themselves', async () => {
    await using server = await openPoolMetrics({ startedMs: -5000 });
    server.pool.views = [fakeWorker()];
    const ours = examples.filter((code) => code.includes('MetricsClient'));
    assert.equal(ours.length, 2);
    const said = await Promise.all(ours.map((code) => runExample(code, server.url)));
    assert.match(said[0] ?? '', /^Utilization: 2\.4%$/m);
    assert.match(said[0] ?? '', /^worker-abc-123 \[my-app@1\.2\.0\] active: 1542 requests, /m);
    assert.match(said[0] ?? '', /^buntime_pool_size 500$/m);
    assert.equal(said[1], 'Active: 12/15\n');
  });

  it('shows hosts, machines and errors in examples that run against all of Drover', async () => {
    await using server = await openTestServer();
    // Those of other clients have tests of their own.
    const ours = examples.filter((code) => !/MetricsClient|MigrationClient/.test(code));
    assert.equal(ours.length, 4);
    const said = await Promise.all(ours.map((code) => runExample(code, server.url)));
    const text = said.join('');
    assert.match(text, /^CPU (?:\d+|null) %, \d+ bytes available$/m);
    assert.match(text, /^ok \[ 'metrics_collection', 'event_publishing', 'api' \]$/m);
    assert.match(text, /^\S+ VM_STATE_RUNNING$/m);
    assert.match(text, /^404 not_found .*no-such-machine/m);
    assert.match(text, /^\d of 1 online, \d+ alerts$/m);
    assert.match(text, /^ai_server \w+ [\d.]+ %$/m);
  });
});

describe('ResourceClient and VmClient', () => {
  it('reach every method of theirs', async () => {
    await using server = await openTestServer();
    const vms = new client.VmClient(server.url, { token: 'dev_customer_123' });
    const { vm_id: id } = await vms.create(
      {
        cpu: { vcpu_count: 1 },
        memory: { size_bytes: 134217728 },
        boot: { kernel_path: '/assets/vmlinux-5.10' },
        storage: [{ id: 'rootfs', path: '/assets/rootfs.ext4', is_root_device: true }],
      },
      { vmId: 'vm-of-mine' },
    );
    assert.equal(id, 'vm-of-mine');
    assert.equal((await vms.boot(id)).state, 'VM_STATE_RUNNING');
    assert.equal((await vms.pause(id)).state, 'VM_STATE_PAUSED');
    assert.equal((await vms.resume(id)).state, 'VM_STATE_RUNNING');
    assert.equal((await vms.reboot(id)).success, true);
    const vm = await vms.info(id);
    assert.equal(vm.config.cpu.vcpu_count, 1);
    assert.equal((await vms.shutdown(id, { force: true })).outcome, 'killed');
    assert.equal((await vms.list({ pageSize: 1 })).total_count, 1);
    assert.equal((await vms.delete(id)).success, true);
    const resources = new client.ResourceClient(server.url);
    assert.equal(await resources.health(), 'healthy');
    assert.equal((await resources.get()).instance_id, 'test-host');
    assert.ok(Array.isArray(await resources.series({ match: ['{__name__=~"node_.*"}'] })));
    await assert.rejects(resources.get('no-such-machine'), { status: 404, kind: 'not_found' });
  });
});
