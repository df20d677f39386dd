import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { FeedReading } from '#fleet/source-feed.ts';
import { openServer, type LoopbackServer } from '#test/loopback-server.ts';
import { openNodeExporter } from '#test/node-exporter.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import { until } from '#test/until.ts';
import { PrometheusFeed, type PrometheusRequest } from './prometheus-feed.ts';

const SIGNAL = new AbortController().signal;
const TRUST = { ca: undefined, thumbprint: undefined, isInsecure: false };
const MOST_QUERIES = 15;

const GPU_TEXT = `
nvidia_smi_gpu_info{uuid="a",name="RTX 4090",index="0"} 1
nvidia_smi_utilization_gpu_ratio{uuid="a"} 0.25
nvidia_smi_memory_used_bytes{uuid="a"} 1024
nvidia_smi_memory_total_bytes{uuid="a"} 4096
nvidia_smi_temperature_gpu{uuid="a"} 61
`;
const PVE_TEXT = `
pve_version_info{release="8.2",version="8.2.4"} 1
pve_node_info{id="node/10.0.0.7",name="10.0.0.7"} 1
pve_node_info{id="node/other",name="other"} 1
pve_cpu_usage_ratio{id="node/10.0.0.7"} 0.5
pve_memory_size_bytes{id="node/10.0.0.7"} 1000
pve_memory_usage_bytes{id="node/10.0.0.7"} 250
pve_uptime_seconds{id="node/10.0.0.7"} 60
pve_disk_size_bytes{id="storage/10.0.0.7/local"} 100
pve_disk_usage_bytes{id="storage/10.0.0.7/local"} 10
pve_disk_size_bytes{id="storage/10.0.0.7/big"} 300
pve_disk_usage_bytes{id="storage/10.0.0.7/big"} 190
pve_disk_size_bytes{id="storage/other/local"} 5
pve_guest_info{id="qemu/100",name="db",node="10.0.0.7",type="qemu"} 1
pve_guest_info{id="qemu/101",name="base",node="10.0.0.7",type="qemu",template="1"} 1
pve_guest_info{id="lxc/200",name="dns",node="other",type="lxc"} 1
pve_up{id="qemu/100"} 1
pve_disk_usage_bytes{id="qemu/100"} 0
pve_disk_size_bytes{id="qemu/100"} 500
`;

function openFeed(t: TestContext, url: string, servers: Readonly<Record<string, string>>) {
  return openFeedOf(t, { url, servers });
}

interface FeedOptions {
  readonly url: string;
  /** From their ids to their instances. */
  readonly servers: Readonly<Record<string, string>>;
  readonly mostLetters?: number;
  readonly secret?: string;
}

function openFeedOf(t: TestContext, { url, servers, mostLetters, secret }: FeedOptions) {
  const requests = Object.entries(servers).map(([id, instance]): PrometheusRequest => {
    const common = { url, trust: TRUST, sealedSecret: undefined };
    return { id: id as ServerId, spec: { kind: 'prometheus', instance, ...common } };
  });
  const [first, ...others] = requests;
  assert.ok(first);
  const clock = new FakeClock();
  const feed = new PrometheusFeed({
    ...{ requests: [first, ...others], secret, clock },
    ...(mostLetters !== undefined && { mostLetters }),
  });
  t.after(() => feed[Symbol.asyncDispose]());
  return {
    clock,
    async poll(): Promise<Record<string, FeedReading | Error>> {
      return Object.fromEntries(await feed.poll(SIGNAL));
    },
    label: feed.label,
  };
}

function readingOf(answer: FeedReading | Error | undefined): FeedReading {
  assert.ok(answer !== undefined && !(answer instanceof Error), 'it was not told');
  return answer;
}

async function serve(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse, query: string) => void,
): Promise<string> {
  const server = await openServer((request, response) => {
    void readText(request).then((body) => {
      listener(request, response, new URLSearchParams(body).get('query') ?? '');
    });
  });
  t.after(() => server[Symbol.asyncDispose]());
  return server.url;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function vectorOf(...series: readonly (readonly [object, number])[]): string {
  const result = series.map(([metric, value]) => ({ metric, value: [1, String(value)] }));
  const data = { resultType: 'vector', result };
  return JSON.stringify({ status: 'success', data, warnings: ['something is odd'] });
}

describe('PrometheusFeed, with a real one', () => {
  const open = new AsyncDisposableStack();
  let prometheus: TestPrometheus;
  let counting: LoopbackServer;
  let asked = 0;

  before(async () => {
    const exporter = open.use(await openNodeExporter());
    const scrapedTwice = Promise.withResolvers<void>();
    let scrapes = 0;
    const others = open.use(
      await openServer((request, response) => {
        // It begins some seconds after its start; asking it all that time would cost more.
        scrapes += 1;
        if (scrapes === 4) scrapedTwice.resolve();
        response.end(request.url === '/gpu' ? GPU_TEXT : PVE_TEXT);
      }),
    );
    const host = new URL(exporter.url).host;
    const job = (target: string, instance: string, path = '/metrics') =>
      `  - job_name: ${instance}\n    metrics_path: ${path}\n    static_configs:\n` +
      `      - targets: ['${target}']\n        labels: {instance: '${instance}'}\n`;
    const config =
      'global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\nscrape_configs:\n' +
      job(host, '10.0.0.7:9100') +
      job(host, '10.0.0.70:9100') +
      job(new URL(others.url).host, '10.0.0.7:9835', '/gpu') +
      job(new URL(others.url).host, '10.0.0.7', '/pve') +
      job('127.0.0.1:1', 'dead:9100');
    prometheus = open.use(await TestPrometheus.open({ config }));
    await scrapedTwice.promise;
    await until(isScrapedTwice, 'the second scrape of each');
    counting = open.use(
      await openServer((request, response) => {
        asked += 1;
        const { method, headers } = request;
        const onward = ask(`${prometheus.url}${request.url}`, { method, headers });
        void once(onward, 'response').then(([answer]: IncomingMessage[]) => {
          response.writeHead(answer?.statusCode ?? 500, answer?.headers);
          answer?.pipe(response);
        });
        request.pipe(onward);
      }),
    );
  });
  after(() => open[Symbol.asyncDispose]());

  async function isScrapedTwice(): Promise<true | undefined> {
    const query = 'count(count_over_time(up[1m]) > 1)';
    const answer = JSON.stringify(await prometheus.query('/api/v1/query', { query }));
    return answer.includes('"5"') ? true : undefined;
  }

  it('reads a server of all of its exporters, and no other server', async (t) => {
    const feed = openFeed(t, counting.url, {
      ...{ whole: '10.0.0.7', other: '10.0.0.70:9100', gpu: '10.0.0.7:9835' },
      ...{ dead: 'dead', prefix: '10.0.0' },
    });
    const answers = await feed.poll();
    const { dead } = answers;
    assert.ok(dead instanceof Error);
    assert.match(dead.message, /cannot scrape dead:9100: up is 0/);
    const { prefix } = answers;
    assert.ok(prefix instanceof Error);
    assert.match(prefix.message, /no series of now with the label instance="10\.0\.0"/);
    const whole = readingOf(answers['whole']);
    const { cpu, memory, pressure } = whole;
    assert.ok(cpu?.usagePercent !== undefined && cpu.usagePercent <= 100);
    assert.ok((cpu.cores ?? 0) >= 1 && cpu.load !== undefined && cpu.modePercents !== undefined);
    assert.equal((memory?.usedBytes ?? 0) + (memory?.availableBytes ?? 0), memory?.totalBytes);
    assert.ok((whole.uptimeSeconds ?? 0) > 0);
    if (pressure !== undefined) assert.ok((pressure.cpuSomePercent ?? 0) <= 100);
    for (const disk of whole.disks ?? []) assert.ok(disk.readBytes !== undefined);
    assert.deepEqual(
      whole.gpus?.map(({ name, usagePercent }) => [name, usagePercent]),
      [['RTX 4090', 25]],
    );
    assert.deepEqual(whole.hypervisor, {
      ...{ product: 'Proxmox VE 8.2.4', cpuPercent: 50, memoryPercent: 25 },
      ...{ storagePercent: 50, uptimeSeconds: 60 },
    });
    assert.deepEqual(
      whole.guests?.map(({ id, status, diskUsedBytes }) => [id, status, diskUsedBytes]),
      [['100', 'running', undefined]],
    );
    const other = readingOf(answers['other']);
    assert.ok(other.cpu?.usagePercent !== undefined);
    assert.deepEqual([other.gpus, other.hypervisor], [undefined, undefined]);
    const gpu = readingOf(answers['gpu']);
    assert.deepEqual([gpu.gpus?.length, gpu.cpu, gpu.memory], [1, undefined, undefined]);
  });

  it('asks as many queries for a thousand servers as for one', async (t) => {
    const many = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`s${at}`, `10.0.${at >> 6}.${at % 64}`]),
    );
    const counts = [];
    for (const servers of [{ s7: '10.0.0.7' }, many]) {
      asked = 0;
      const answers = await openFeed(t, counting.url, servers).poll();
      const told = Object.keys(answers).filter((id) => !(answers[id] instanceof Error));
      assert.deepEqual(told, ['s7']);
      counts.push(asked);
    }
    assert.equal(counts[0], counts[1]);
    assert.ok((counts[0] ?? 0) <= MOST_QUERIES, `${counts[0]} queries`);
  });
});

describe('PrometheusFeed', () => {
  it('leaves out the parts of a query that fails, and only those, and says so', async (t) => {
    const url = await serve(t, (_, response, query) => {
      if (query.includes('MemTotal')) {
        response.end(vectorOf([{ __name__: 'up', instance: 'a:1' }, 1], [LOAD, 3]));
      } else if (query.includes('node_filesystem')) {
        response.writeHead(422).end('{"status":"error","error":"too many samples"}');
      } else response.end(vectorOf());
    });
    const { a, b } = await openFeed(t, url, { a: 'a', b: 'b' }).poll();
    assert.equal(readingOf(a).filesystems, undefined);
    assert.equal(readingOf(a).memory?.totalBytes, 3);
    const why = 'it could not work out a query (HTTP 422: too many samples)';
    assert.deepEqual(readingOf(a).missing, [{ part: 'filesystems', why }]);
    // It might have been told of by what failed alone.
    assert.equal(b instanceof Error && b.message, why);
  });

  it('does without a query that takes too long', async (t) => {
    const slow = Promise.withResolvers<void>();
    const url = await serve(t, (_, response, query) => {
      if (query.includes('node_filesystem')) slow.resolve();
      else if (query.includes('MemTotal')) response.end(vectorOf([LOAD, 3]));
      else response.end(vectorOf());
    });
    const feed = openFeed(t, url, { a: 'a' });
    const polled = feed.poll();
    await slow.promise;
    await until(() => (feed.clock.pendingTimers > 0 ? true : undefined), 'the deadline');
    // The other ten are answered while this one is not.
    for (let at = 0; at < 50; at += 1) await new Promise(setImmediate);
    await feed.clock.advance(7000);
    const { memory, missing } = readingOf((await polled)['a']);
    assert.deepEqual([memory?.totalBytes, missing?.map(({ part }) => part)], [3, ['filesystems']]);
  });

  it('names what of a server is not scraped, or hangs there, beside what is told', async (t) => {
    const down = { __name__: 'up', instance: 'a:9835' };
    const hangs = { __name__: 'node_filesystem_device_error', instance: 'a:1', fstype: 'nfs4' };
    const url = await serve(t, (_, response, query) => {
      if (query.includes('MemTotal')) response.end(vectorOf([LOAD, 3], [down, 0]));
      else if (!query.includes('device_error')) response.end(vectorOf());
      else response.end(vectorOf([{ ...hangs, mountpoint: '/mnt/nas' }, 1]));
    });
    const { a } = await openFeed(t, url, { a: 'a' }).poll();
    assert.deepEqual(
      readingOf(a).missing?.map(({ part }) => part),
      ['a:9835', '/mnt/nas'],
    );
  });

  it('believes one of several exporters that tell the same, always the same one', async (t) => {
    let turn = 0;
    const url = await serve(t, (_, response, query) => {
      const of = (port: number, value: number) => [{ ...LOAD, instance: `a:${port}` }, value];
      const both = [of(9100, 5), of(8080, 7)] as [object, number][];
      if (!query.includes('MemTotal')) return void response.end(vectorOf());
      turn += 1;
      response.end(vectorOf(...(turn % 2 === 0 ? both : both.toReversed())));
    });
    const feed = openFeed(t, url, { a: 'a' });
    for (let at = 0; at < 2; at += 1) {
      assert.equal(readingOf((await feed.poll())['a']).memory?.totalBytes, 7);
    }
  });

  it('gives no rates of an exporter that has died', async (t) => {
    const url = await serve(t, (_, response, query) => {
      const isRate = query.includes('node_disk_read_bytes_total');
      const rate = { drover_counter: 'node_disk_read_bytes_total', instance: 'a:9', device: 'sda' };
      if (isRate) response.end(vectorOf([rate, 10]));
      else if (query.includes('MemTotal')) response.end(vectorOf([LOAD, 1]));
      else response.end(vectorOf());
    });
    const { a } = await openFeed(t, url, { a: 'a' }).poll();
    assert.equal(readingOf(a).disks, undefined);
  });

  it('asks by several queries only when the names are too many for one', async (t) => {
    const patterns = new Set<string>();
    const url = await serve(t, (_, response, query) => {
      const [, pattern] = /instance=~"((?:[^"\\]|\\.)*)"/.exec(query) ?? [];
      patterns.add(pattern ?? '');
      response.end(vectorOf());
    });
    const servers = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`s${at}`, at % 2 === 0 ? `h${at}` : `h${at}:91`]),
    );
    await openFeedOf(t, { url, servers, mostLetters: 100 }).poll();
    assert.ok(patterns.size >= 3 && patterns.size <= 6, `${patterns.size} patterns`);
    for (const pattern of patterns) assert.ok(pattern.length <= 130, pattern);
    await openFeedOf(t, { url, servers: { odd: 'a"b|.*[x]' } }).poll();
    assert.ok(patterns.has(String.raw`(?:a\"b\\|\\.\\*\\[x\\])(?::[0-9]{1,5})?`));
  });

  it('says in words why it is not answered, and keeps the secret to itself', async (t) => {
    const answers: readonly (readonly [number, string, RegExp])[] = [
      [400, '{"status":"error","error":"parse error"}', /does not understand .*400: parse error/],
      [401, '', /refused the credentials \(HTTP 401\)/],
      [404, 'page not found', /takes no queries at \/api\/v1\/query/],
      [422, '{"error":"too many samples"}', /could not work out a query \(HTTP 422: too many/],
      [503, '<html>', /is busy \(HTTP 503\)/],
      [200, '<html>', /something that no Prometheus answers/],
    ];
    for (const [status, body, message] of answers) {
      const url = await serve(t, (request, response) => {
        assert.equal(request.headers.authorization, 'Bearer hunter2');
        response.writeHead(status).end(body);
      });
      const feed = openFeedOf(t, { url, servers: { a: 'a' }, secret: 'hunter2' });
      assert.doesNotMatch(feed.label, /hunter2/);
      await assert.rejects(feed.poll(), message);
    }
  });
});

const LOAD = { __name__: 'node_memory_MemTotal_bytes', instance: 'a:1' };
