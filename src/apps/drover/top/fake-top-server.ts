/** A server for tests that answers what `drover top` asks, over HTTP, as it is told to. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeHost {
  instanceId: string;
  /** Counted since boot. */
  sectorsRead: number;
  bytesReceived: number;
  sampleAgeMs: number;
}

export interface FakeTopServer extends AsyncDisposable {
  readonly url: string;
  readonly host: FakeHost;
  /** Paths that were asked, with their queries, in order. */
  readonly asked: string[];
  /** Of the latest call. */
  readonly authorization: () => string | undefined;
  /** Path without query → status and body to answer instead. */
  readonly refusals: Map<string, { readonly status: number; readonly body: string }>;
}

export async function openFakeTopServer(): Promise<FakeTopServer> {
  const host: FakeHost = {
    ...{ instanceId: 'host-1', sectorsRead: 1000, bytesReceived: 5000, sampleAgeMs: 300 },
  };
  const asked: string[] = [];
  const refusals: FakeTopServer['refusals'] = new Map();
  let authorization: string | undefined;
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    authorization = request.headers.authorization;
    const [path = ''] = url.split('?');
    const refusal = refusals.get(path);
    const body = refusal?.body ?? JSON.stringify(answerTo(path, host));
    response.writeHead(refusal?.status ?? 200, {
      'content-type': 'application/json',
      'x-sample-age-ms': String(host.sampleAgeMs),
    });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ host, asked, refusals },
    authorization: () => authorization,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answerTo(path: string, host: FakeHost): object {
  if (path === '/get') return hostAnswer(host);
  if (path === '/api/v1/processes') return PROCESSES;
  return VALUES;
}

function hostAnswer(host: FakeHost): object {
  return {
    timestamp: 1_626_350_430,
    instance_id: host.instanceId,
    account_id: null,
    cpu: { usage_pct: 25, process_count: 42 },
    memory: {
      ...{ total: 16_777_216_000, free: 8_388_608_000, available: 12_582_912_000 },
      ...{ used: 4_194_304_000, total_swap: 4_294_967_296, used_swap: 1_073_741_824 },
    },
    disks: [
      disk('sda', host.sectorsRead),
      disk('sda1', host.sectorsRead),
      disk('nvme0n1', 10),
      disk('nvme0n1p1', 10),
      disk('loop0', 0),
    ],
    network: { interfaces: [nic('eth0', host.bytesReceived), nic('dummy0', 0)] },
    gpus: [
      {
        ...{ index: 0, model: 'NVIDIA RTX 3080', utilization_bps: 5000, memory_usage_bps: 9500 },
        ...{ temperature_deci_c: 700, power_draw_deci_w: null },
      },
    ],
    load: { load1: 100, load5: 120, load15: null },
  };
}

function disk(name: string, sectors: number): object {
  return { device_name: name, sectors_read: sectors, sectors_written: 0, time_doing_io: 0 };
}

function nic(name: string, bytes: number): object {
  return { name, bytes_received: bytes, bytes_sent: 0 };
}

const PROCESSES = {
  processes: [
    {
      ...{ pid: 77, name: 'busy\u001B[2J', user_id: 0, cpu_pct_x100: 12_345 },
      ...{ memory_bytes: 104_857_600, state: 'R', threads: 4 },
    },
    {
      ...{ pid: 1, name: 'init', user_id: null, cpu_pct_x100: 0 },
      ...{ memory_bytes: 4096, state: 'S', threads: 1 },
    },
  ],
};

function series(name: string, labels: object, value: string): object {
  return { metric: { __name__: name, instance: 'host-1', ...labels }, value: [1, value] };
}

const MACHINE = { machine_id: 'vm_1', customer_id: 'acme' };
const VALUES = {
  status: 'success',
  data: {
    resultType: 'vector',
    result: [
      series('drover_cpu_usage_percent', { instance: 'another-host' }, '99'),
      series('drover_cpu_usage_percent', {}, '25.31'),
      series('drover_uptime_seconds', {}, '266400'),
      series('drover_filesystem_used_percent', { mountpoint: '/', fstype: 'ext4' }, '23.25'),
      series('drover_filesystem_used_percent', { mountpoint: '/full', fstype: 'xfs' }, '97.5'),
      series('drover_filesystem_inodes_used_percent', { mountpoint: '/', fstype: 'ext4' }, '2.7'),
      series('drover_machine_cpu_usage_percent', MACHINE, '12.5'),
      series('drover_machine_memory_bytes', MACHINE, '268435456'),
      series('drover_machine_cpu_usage_percent', { machine_id: 'vm_2', customer_id: 'b' }, 'NaN'),
    ],
  },
};
