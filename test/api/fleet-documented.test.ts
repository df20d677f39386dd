/** The fleet's API as its document has it, with the document's own servers and numbers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { registerNamedMetrics } from '#surfaces/fleet/named-metrics.ts';
import { FakeFleet, injectFleet, READINGS, role } from '#test/fleet-fixture.ts';

const NOW = '2025-01-05T20:15:00.000Z';
const ONLINE = { status: 'online', last_updated: NOW };
const CPU = { usage_percent: 45.2, cores: 16, temperature: 65, load_average: [1.2, 1.5, 1.8] };
const MEMORY = { used_gb: 28.5, total_gb: 64, usage_percent: 44.53, available_gb: 35.5 };
const GPU = {
  ...{ name: 'NVIDIA RTX 4090', usage_percent: 78.3, memory_used_mb: 18432 },
  ...{ memory_total_mb: 24576, memory_usage_percent: 75, temperature: 72, power_draw_w: 350 },
  fan_speed_percent: 65,
};
const HOST = { cpu_usage: 23.1, memory_usage: 67.8, storage_usage: 45.2, uptime_hours: 168 };
const VM = {
  ...{ vmid: 100, name: 'user-vm', status: 'running', cpu_usage: 15.3, memory_used_gb: 4.2 },
  ...{ memory_total_gb: 8, memory_usage_percent: 52.5, disk_usage_gb: 25.6 },
  ...{ disk_total_gb: 32, uptime_seconds: 86400 },
};
/** The document's average is not that of its own numbers. */
const FILESYSTEM = {
  ...{ mount_point: '/mnt/ingest', used_gb: 1250.5, total_gb: 2000, usage_percent: 62.53 },
  ...{ file_count: 15420, avg_file_size_mb: 83.04, largest_file_mb: 1024 },
};
const DISK = {
  ...{ mount_point: '/mnt/ingest', used_gb: 1250.5, total_gb: 2000, usage_percent: 62.53 },
  ...{ available_gb: 700, filesystem: 'ext4' },
};
const LINK = {
  ...{ interface: 'eth0', bytes_sent: 1201, bytes_recv: 3400, packets_sent: 10 },
  ...{ packets_recv: 20, errors_in: 0, errors_out: 0, speed_bits_per_second: null },
};
const QDRANT = {
  ...{ status: 'running', collections: 3, total_points: 1250000, disk_usage_gb: 45.2 },
  ...{ disk_usage_from: 'telemetry', memory_usage_mb: 512, version: '1.7.0' },
};
const PARTS = { cpu: CPU, memory: MEMORY, network: [LINK] };

const documented: readonly (readonly [path: string, body: object])[] = [
  ['/api/ai-server/', { server_status: ONLINE, ...PARTS, gpu: GPU, disks: [] }],
  ['/api/ai-server/gpu', { gpu: GPU, server_status: ONLINE }],
  ['/api/ai-server/cpu', { cpu: CPU, server_status: ONLINE }],
  ['/api/ai-server/memory', { memory: MEMORY, server_status: ONLINE }],
  ['/api/ai-server/storage', { disks: [], server_status: ONLINE }],
  ['/api/ai-server/network', { network: [LINK], server_status: ONLINE }],
  ['/api/ai-server/health', { ...ONLINE, uptime_seconds: 86400, response_time_ms: 0 }],
  ['/api/app-server/', { server_status: ONLINE, ...PARTS, proxmox_host: HOST, vms: [VM] }],
  ['/api/app-server/proxmox', { proxmox_host: { ...HOST, vm_count: 1 }, server_status: ONLINE }],
  ['/api/app-server/vms', { vms: [VM], vm_count: 1, running_vms: 1, server_status: ONLINE }],
  ['/api/app-server/vms/100', { vm: VM, server_status: ONLINE }],
  ['/api/app-server/cpu', { cpu: CPU }],
  ['/api/app-server/memory', { memory: MEMORY }],
  ['/api/app-server/storage', { disks: [] }],
  ['/api/app-server/network', { network: [LINK] }],
  ['/api/app-server/health', { ...ONLINE, proxmox_status: 'online', vm_count: 1, running_vms: 1 }],
  ['/api/storage-server/', { server_status: ONLINE, filesystems: [FILESYSTEM], qdrant: QDRANT }],
  [
    '/api/storage-server/filesystems',
    {
      ...{ filesystems: [FILESYSTEM], total_filesystems: 1, total_used_gb: 1250.5 },
      ...{ total_capacity_gb: 2000, server_status: ONLINE },
    },
  ],
  ['/api/storage-server/filesystems/%2Fmnt%2Fingest', { filesystem: FILESYSTEM }],
  ['/api/storage-server/filesystems//mnt/ingest', { filesystem: FILESYSTEM }],
  ['/api/storage-server/filesystems/mnt/ingest', { filesystem: FILESYSTEM }],
  ['/api/storage-server/qdrant', { qdrant: QDRANT, server_status: ONLINE }],
  ['/api/storage-server/cpu', { cpu: CPU }],
  ['/api/storage-server/memory', { memory: MEMORY }],
  ['/api/storage-server/storage', { disks: [DISK] }],
  ['/api/storage-server/network', { network: [LINK] }],
  [
    '/api/storage-server/health',
    {
      ...{ ...ONLINE, qdrant_status: 'running', filesystem_count: 1, total_capacity_gb: 2000 },
      ...{ total_used_gb: 1250.5, average_usage_percent: 62.53, total_files: 15420 },
    },
  ],
  ['/api/servers/nas-1', { id: 'nas-1', roles: ['storage'], disks: [DISK], gpus: [], gpu: null }],
  ['/api/servers/gpu-1', { gpus: [GPU], sensors: [{ name: 'coretemp', celsius: 65 }] }],
  ['/api/servers/gpu-1/gpu', { gpu: GPU }],
  ['/api/servers/pve-1/vms/100', { vm: VM }],
  ['/api/servers/nas-1/filesystems/%2Fmnt%2Fingest', { filesystem: FILESYSTEM }],
  ['/api/servers/nas-1/qdrant', { qdrant: QDRANT }],
  [
    '/api/servers/nas-1/prometheus',
    { metrics: ['drover_server_status{server="nas-1",status="online"} 1'] },
  ],
  ['/api/servers/pve-1/health', { ...ONLINE, vm_count: 1, total_files: 0 }],
];

describe('the documented routes', () => {
  const fake = new FakeFleet();
  const { app, call } = injectFleet(fake);
  before(() => fake.watchDocumented());
  after(() => fake[Symbol.asyncDispose]());

  for (const [path, body] of documented) {
    it(`answers ${path}, with and without a slash at its end`, async () => {
      const bare = path.replace(/\/$/, '');
      for (const url of [bare, `${bare}/`]) {
        const { status, json } = await call(url);
        assert.equal(status, 200, url);
        assert.partialDeepStrictEqual(json, body);
      }
    });
  }

  it('answers the overview, with everybody in it', async () => {
    const { json } = await call('/api/servers/overview');
    assert.partialDeepStrictEqual(json, {
      ai_server: { server_status: ONLINE, ...PARTS, gpu: GPU },
      app_server: { proxmox_host: HOST, vms: [VM] },
      storage_server: { disks: [DISK], qdrant: QDRANT },
      ...{ last_updated: NOW, total_servers: 3, online_servers: 3, alerts_count: 0 },
      servers: [{ id: 'gpu-1', status: 'online', sources: [{ kind: 'exporter', error: null }] }],
    });
  });

  it('answers the summary', async () => {
    const { json } = await call('/api/servers/summary');
    const counts = { total_servers: 3, online_servers: 3, alerts_count: 0, last_updated: NOW };
    const common = { status: 'online', cpu_usage: 45.2, memory_usage: 44.53, response_time_ms: 0 };
    assert.partialDeepStrictEqual(json, {
      summary: counts,
      servers: {
        ai_server: { ...common, gpu_usage: 78.3 },
        app_server: { ...common, vm_count: 1, running_vms: 1 },
        storage_server: { ...common, filesystem_count: 1, qdrant_status: 'running' },
        'nas-1': { ...common, filesystem_count: 1 },
      },
    });
  });

  it('answers its health, and says that there is no Prometheus to ask', async () => {
    const { json } = await call('/api/health');
    const services = { api: 'healthy', prometheus: 'not_configured', websocket: 'healthy' };
    assert.deepEqual(json, { status: 'healthy', timestamp: NOW, services, version: '1.2.3' });
  });

  it('answers the lines of Prometheus', async () => {
    const { json } = await call('/api/metrics/prometheus');
    assert.equal(json['timestamp'], NOW);
    const lines = new Set(json['metrics'] as string[]);
    for (const line of [
      'ai_server_cpu_usage_percent 45.2',
      'ai_server_memory_usage_percent 44.53',
      'ai_server_gpu_usage_percent 78.3',
      'ai_server_gpu_power_draw_watts 350',
      'app_server_running_vms 1',
      'storage_server_cpu_usage_percent 45.2',
      'storage_server_qdrant_points 1250000',
      'system_total_servers 3',
      'system_online_servers 3',
      'system_alerts_count 0',
    ]) {
      assert.ok(lines.has(line), line);
    }
  });

  it('has the same lines of any server, and on /metrics those of the document', async () => {
    const { json } = await call('/api/servers/gpu-1/prometheus');
    const lines = new Set(json['metrics'] as string[]);
    for (const line of [
      'drover_server_cpu_usage_percent{server="gpu-1"} 45.2',
      'drover_server_gpu_memory_used_percent{gpu="0",server="gpu-1"} 75',
      'drover_server_status{server="gpu-1",status="offline"} 0',
    ]) {
      assert.ok(lines.has(line), line);
    }
    const registry = new MetricsRegistry();
    registerNamedMetrics(registry, fake.fleet);
    const { json: documented } = await call('/api/metrics/prometheus');
    const exposed = new Set(registry.expose().split('\n'));
    for (const line of documented['metrics'] as string[]) assert.ok(exposed.has(line), line);
    fake.feeds.answers.set('http://gpu-1', {});
    await fake.clock.advance(5000);
    assert.doesNotMatch(registry.expose(), /^ai_server_gpu_usage_percent /m);
    fake.feeds.answers.set('http://gpu-1', READINGS.ai);
    await fake.clock.advance(5000);
  });

  it('finds mount points whatever they are called', async () => {
    const [mount] = READINGS.storage.filesystems;
    const names = ['/', '/mnt/a b', '/mnt/100%', '/mnt/ü?#'];
    const filesystems = names.map((mountPoint) => ({ ...mount, mountPoint }));
    fake.feeds.answers.set('http://nas-1', { ...READINGS.storage, filesystems });
    await fake.clock.advance(5000);
    for (const name of names) {
      const path = `/api/storage-server/filesystems/${encodeURIComponent(name)}`;
      for (const url of [path, `${path}/`]) {
        const { status, json } = await call(url);
        assert.equal(status, 200, url);
        assert.partialDeepStrictEqual(json, { filesystem: { mount_point: name } });
      }
    }
    const { json } = await call('/api/storage-server/filesystems/');
    assert.equal(json['total_filesystems'], 4);
    fake.feeds.answers.set('http://nas-1', READINGS.storage);
    await fake.clock.advance(5000);
  });

  it('wraps what is asked for in an envelope', async () => {
    const { json } = await call('/api/ai-server/cpu?envelope=1');
    const { data, ...rest } = json;
    assert.equal(rest['status'], 'success');
    assert.ok(String(rest['timestamp']).endsWith('Z'));
    assert.deepEqual(data, (await call('/api/ai-server/cpu')).json);
  });

  it('sees what has not changed by its tag', async () => {
    for (const path of ['/api/servers/overview', '/api/ai-server/', '/api/ai-server?envelope=1']) {
      const { headers } = await call(path);
      assert.equal(headers['cache-control'], 'no-cache');
      const etag = String(headers['etag']);
      const again = await call(path, { 'if-none-match': `"other", ${etag}` });
      assert.equal(again.status, 304);
      assert.equal(again.headers['etag'], etag);
      assert.deepEqual(again.json, {});
    }
    const before = String((await call('/api/ai-server')).headers['etag']);
    await fake.clock.advance(5000);
    assert.equal((await call('/api/ai-server', { 'if-none-match': before })).status, 200);
  });

  it('says what is wrong in the form of the document, and what is not there', async () => {
    const refused = await app.inject({ method: 'DELETE', url: '/api/servers/overview' });
    assert.equal(refused.statusCode, 405);
    assert.equal(JSON.parse(refused.body).error, 'Method Not Allowed');
    for (const [path, detail] of [
      ['/api/app-server/vms/101', /^there is no VM 101 on this server$/],
      ['/api/storage-server/filesystems/%2Fnowhere', /^there is no filesystem at \/nowhere on/],
      ['/api/servers/nobody/cpu', /^there is no server nobody; GET \/api\/servers lists/],
      ['/api/servers/NOBODY', /^there is no server NOBODY/],
      ['/api/ai-server/vms', /^there is nothing at this path/],
    ] as const) {
      const { status, json } = await call(path);
      assert.equal(status, 404, path);
      assert.match(String(json['detail']), detail);
      assert.equal(json['error'], 'Not Found');
      assert.equal(json['status'], 'error');
      assert.ok(!Number.isNaN(Date.parse(String(json['timestamp']))));
    }
  });
});

describe('what is not there', () => {
  it('is null or empty where a server tells nothing, and never zero', async () => {
    await using fake = new FakeFleet();
    fake.feeds.answers.set('http://gpu-1', new DroverError('unavailable', 'refused'));
    fake.feeds.answers.set('http://pve-1', {});
    fake.feeds.answers.set('http://nas-1', {});
    await fake.watchDocumented();
    const { call } = injectFleet(fake);
    const message = 'No GPU metrics available';
    const { json: gpu } = await call('/api/ai-server/gpu');
    assert.partialDeepStrictEqual(gpu, { gpu: null, message, server_status: OFFLINE });
    assert.partialDeepStrictEqual((await call('/api/ai-server')).json, {
      ...{ server_status: OFFLINE, gpu: null, disks: [], network: [] },
      cpu: { usage_percent: null, cores: null, temperature: null, load_average: null },
      memory: { used_gb: null, total_gb: null, usage_percent: null, available_gb: null },
    });
    const { json: vms } = await call('/api/app-server/vms');
    assert.partialDeepStrictEqual(vms, { vms: [], vm_count: null, running_vms: null });
    const { json: qdrant } = await call('/api/storage-server/qdrant');
    assert.partialDeepStrictEqual(qdrant, {
      ...{ qdrant: null, message: 'Qdrant metrics not available' },
    });
    const { json: sums } = await call('/api/storage-server/filesystems');
    assert.partialDeepStrictEqual(sums, {
      ...{ filesystems: [], total_filesystems: null, total_used_gb: null, total_capacity_gb: null },
    });
    const { json: health } = await call('/api/storage-server/health');
    const unknown = { filesystem_count: null, average_usage_percent: null, total_files: null };
    assert.partialDeepStrictEqual(health, { qdrant_status: 'unknown', ...unknown });
    const { json: lines } = await call('/api/metrics/prometheus');
    assert.ok(!(lines['metrics'] as string[]).some((line) => line.startsWith('ai_server')));
    const { json: overview } = await call('/api/servers/overview');
    assert.partialDeepStrictEqual(overview, { total_servers: 3, online_servers: 2 });
    assert.equal(overview['alerts_count'], 1);
  });

  it('is 404 where no server has the role, and null in the overview', async () => {
    await using fake = new FakeFleet();
    await fake.watch(role('gpu-1', 'any'));
    const { call } = injectFleet(fake);
    const { status, json } = await call('/api/ai-server/cpu');
    assert.equal(status, 404);
    assert.match(String(json['detail']), /^there is no server with the role ai; GET/);
    const { json: overview } = await call('/api/servers/overview');
    assert.equal(overview['ai_server'], null);
    assert.partialDeepStrictEqual(overview, { servers: [{ id: 'gpu-1', gpu_usage: 78.3 }] });
  });

  it('is waited for a second at the start, then 503 until a source said something', async () => {
    await using fake = new FakeFleet();
    fake.feeds.answers.set('http://gpu-1', 'hangs');
    await fake.begin(role('gpu-1', 'ai'), role('nas-1', 'storage'));
    const { call } = injectFleet(fake);
    let answered = 0;
    const asked = ['/api/ai-server', '/api/storage-server/cpu'].map(async (path) => {
      const answer = await call(path);
      answered += 1;
      return answer;
    });
    // What is handed in gets through in turns of the event loop.
    for (let at = 0; at < 20; at += 1) await new Promise(setImmediate);
    assert.equal(answered, 0);
    await fake.clock.advance(1000);
    const [ai, storage] = await Promise.all(asked);
    assert.equal(storage?.status, 200);
    assert.equal(ai?.status, 503);
    assert.equal(ai.headers['retry-after'], '1');
    assert.match(String(ai.json['detail']), /^gpu-1 was asked and has not answered yet/);
    await fake.clock.advance(9000);
    const { status, json } = await call('/api/ai-server');
    assert.equal(status, 200);
    assert.partialDeepStrictEqual(json, { server_status: OFFLINE });
  });
});

const OFFLINE = { status: 'offline', last_updated: null, response_time_ms: null };

describe('the health of a Prometheus that is asked', () => {
  it('is whether it answers, and not whether it knows all', async () => {
    await using fake = new FakeFleet();
    const trust = { ca: undefined, thumbprint: undefined, isInsecure: false };
    const url = 'http://prometheus';
    const common = { url, trust, sealedSecret: undefined };
    const spec = { kind: 'prometheus', instance: 'a:9100', ...common } as const;
    fake.feeds.answers.set(url, { missing: [{ part: 'memory', why: 'HTTP 422' }] });
    await fake.watch({ ...role('a', 'ai'), sources: [spec] });
    const { call } = injectFleet(fake);
    const health = async () => {
      const { services } = (await call('/api/health')).json;
      return (services as Readonly<Record<string, string>>)['prometheus'];
    };
    assert.equal(await health(), 'healthy');
    fake.feeds.answers.set(url, new DroverError('unavailable', 'refused'));
    await fake.clock.advance(5000);
    assert.equal(await health(), 'unhealthy');
  });
});

describe('who may ask', () => {
  it('is an operator where a token is needed, and anybody for the health', async () => {
    await using fake = new FakeFleet();
    await fake.watchDocumented();
    const { call } = injectFleet(fake, { isClosed: true });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const { status, json } = await call('/api/servers/overview');
    assert.equal(status, 401);
    assert.partialDeepStrictEqual(json, { error: 'Unauthorized', status: 'error' });
    assert.equal((await call('/api/ai-server', bearer('dev_customer_1'))).status, 403);
    assert.equal((await call('/api/ai-server', bearer('dev_operator'))).status, 200);
    assert.equal((await call('/api/health')).status, 200);
    assert.equal((await call('/api/openapi.json')).status, 200);
  });
});

describe('the surface alone', () => {
  it('says at / what there is, each of which is there', async () => {
    await using fake = new FakeFleet();
    await fake.watchDocumented();
    const { call } = injectFleet(fake, { isAlone: true });
    const { json } = await call('/');
    assert.equal(json['version'], '1.2.3');
    assert.equal(json['timestamp'], NOW);
    const { metrics, websocket, ...others } = json['endpoints'] as Record<string, string>;
    assert.deepEqual([metrics, websocket], ['/metrics', '/ws/metrics']);
    for (const path of Object.values(others)) assert.equal((await call(path)).status, 200, path);
    assert.equal((await call('/ws/metrics')).status, 426);
    assert.partialDeepStrictEqual((await call('/nowhere')).json, { status: 'error' });
  });

  it('leaves / to others on a shared listener', async () => {
    await using fake = new FakeFleet();
    const { call } = injectFleet(fake);
    assert.equal((await call('/')).status, 404);
  });
});
