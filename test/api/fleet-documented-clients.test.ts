/**
 * The client programs in the fleet's API document, as they stand there, against a server with
 * nothing configured: this host is all three.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { cpus, hostname, loadavg, tmpdir, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ExporterFeed } from '#backends/server-sources/exporter-feed.ts';
import { systemClock } from '#kernel/clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { GIB } from '#kernel/units.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { until } from '#test/until.ts';

const run = promisify(execFile);
const TIMEOUT = { timeout: 60_000 };

const FETCH = `
// Get server overview
const response = await fetch('http://192.168.50.73:8000/api/servers/overview');
const data = await response.json();

// Get specific GPU metrics
const gpuResponse = await fetch('http://192.168.50.73:8000/api/ai-server/gpu');
const gpuData = await gpuResponse.json();
console.log(JSON.stringify({ data, gpuData }));
`;

const PYTHON = `
import requests

# Get server overview
response = requests.get('http://192.168.50.73:8000/api/servers/overview')
data = response.json()

# Get VM metrics
vm_response = requests.get('http://192.168.50.73:8000/api/app-server/vms')
vm_data = vm_response.json()
import json
print(json.dumps({'data': data, 'vm_data': vm_data}))
`;

/** What the package \`requests\` does for the example. */
const REQUESTS = `
import json as codec
from urllib.request import urlopen

class Response:
    def __init__(self, answer):
        self.text = answer.read()

    def json(self):
        return codec.loads(self.text)

def get(url):
    return Response(urlopen(url, timeout=20))
`;

const CURL = [
  'http://192.168.50.73:8000/api/health',
  'http://192.168.50.73:8000/api/ai-server/',
  'http://192.168.50.73:8000/api/storage-server/qdrant',
];

/** The example never closes its socket; what is put behind it does. */
const SOCKET = `
const ws = new WebSocket('ws://192.168.50.73:8000/ws/metrics');

ws.onopen = () => {
  console.log('Connected to metrics stream');
  
  // Send ping
  ws.send(JSON.stringify({
    type: 'ping',
    timestamp: new Date().toISOString()
  }));
};

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  
  switch (data.event_type) {
    case 'metrics_update':
      console.log(\`Received \${data.server_type} metrics:\`, data.data);
      break;
    case 'heartbeat':
      console.log('Heartbeat received');
      break;
    case 'error':
      console.error('WebSocket error:', data.message);
      break;
  }
};

ws.onerror = (error) => {
  console.error('WebSocket error:', error);
};

ws.onclose = () => {
  console.log('WebSocket connection closed');
};

const kinds = new Set();
ws.addEventListener('message', ({ data }) => {
  const { event_type, server_type } = JSON.parse(data);
  kinds.add(server_type ?? event_type);
  if (kinds.has('overview') && kinds.has('pong')) ws.close();
});
`;

const owned = new AsyncDisposableStack();
let server: TestServer;
let directory: string;
before(async () => {
  server = owned.use(await openTestServer());
  directory = await mkdtemp(join(tmpdir(), 'drover-examples-'));
  owned.defer(() => rm(directory, { recursive: true }));
});
after(() => owned.disposeAsync());

function complete(example: string): string {
  return example.replaceAll('192.168.50.73:8000', new URL(server.url).host);
}

async function write(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, complete(text));
  return path;
}

function assertIsThisHost(overview: unknown): void {
  assert.partialDeepStrictEqual(overview, {
    ...{ total_servers: 1, servers: [{ name: hostname(), origin: 'builtin' }] },
    app_server: { vms: [], proxmox_host: { vm_count: 0 } },
    storage_server: { qdrant: null },
  });
  const { ai_server: ai } = overview as { ai_server: { memory: { total_gb: number } } };
  assert.ok(Math.abs(ai.memory.total_gb - totalmem() / GIB) < 0.01);
}

describe('the examples of the document', () => {
  it('run in JavaScript', async () => {
    const { stdout } = await run(process.execPath, [await write('a.mjs', FETCH)], TIMEOUT);
    const { data, gpuData } = JSON.parse(stdout) as Record<string, object>;
    assertIsThisHost(data);
    assert.ok(gpuData !== undefined && 'gpu' in gpuData && 'server_status' in gpuData);
  });

  it('run in Python', async () => {
    await write('requests.py', REQUESTS);
    const { stdout } = await run('python3', [await write('a.py', PYTHON)], {
      ...{ ...TIMEOUT, env: { ...process.env, PYTHONPATH: directory } },
    });
    const { data, vm_data: vms } = JSON.parse(stdout) as Record<string, object>;
    assertIsThisHost(data);
    assert.partialDeepStrictEqual(vms, { vms: [], vm_count: 0, running_vms: 0 });
  });

  it('run with curl', async () => {
    const { stdout } = await run('curl', ['-sS', ...CURL.map(complete)], TIMEOUT);
    const [health, ai, qdrant] = stdout.replaceAll('}{', '}\n{').split('\n');
    assert.match(health ?? '', /"status":"healthy"/);
    assert.match(ai ?? '', /"server_status":\{"status":"/);
    assert.match(qdrant ?? '', /^\{"qdrant":null,"message":"Qdrant metrics not available"/);
  });

  it('run over the WebSocket', async () => {
    const { stdout, stderr } = await run(process.execPath, [await write('b.mjs', SOCKET)], TIMEOUT);
    assert.equal(stderr, '');
    assert.match(stdout, /^Connected to metrics stream\n/);
    for (const name of ['ai_server', 'app_server', 'storage_server', 'overview']) {
      assert.match(stdout, new RegExp(`^Received ${name} metrics: `, 'm'));
    }
    assert.match(stdout, /WebSocket connection closed\n$/);
  });
});

describe('another Drover as a source', () => {
  it('tells of its host what the system says', async (t) => {
    const id = 'it' as ServerId;
    const trust = { ca: undefined, thumbprint: undefined, isInsecure: false };
    const spec = { kind: 'exporter', url: server.url, trust, sealedSecret: undefined } as const;
    const feed = new ExporterFeed({ id, spec, secret: undefined, clock: systemClock });
    t.after(() => feed[Symbol.asyncDispose]());
    const { signal } = new AbortController();
    await feed.poll(signal);
    const reading = (await feed.poll(signal)).get(id);
    assert.equal(reading?.memory?.totalBytes, totalmem());
    assert.equal(reading.cpu?.cores, cpus().length);
    assert.ok(Math.abs((reading.uptimeSeconds ?? 0) - uptime()) < 10);
    assert.deepEqual(reading.missing, []);
    const load = Math.abs((reading.cpu.load?.[2] ?? -1) - (loadavg()[2] ?? 0));
    assert.ok(load < 1, `${load}`);
    for (const { mountPoint, totalBytes, filesTotal } of reading.filesystems ?? []) {
      const { blocks, bsize, files } = await statfs(mountPoint);
      assert.deepEqual([totalBytes, filesTotal ?? 0], [blocks * bsize, files]);
    }
  });
});

describe('/metrics', () => {
  it('has the same as series', async () => {
    const text = await until(async () => {
      const exposition = await (await fetch(`${server.url}/metrics`)).text();
      // Series are as old as the last sample, which may be from before the first poll.
      return exposition.includes('drover_server_memory_total_bytes{') ? exposition : undefined;
    }, 'the first sample');
    assert.match(text, /^ai_server_memory_total_bytes\{?.* \d+$/m);
    assert.match(text, /^drover_server_status\{.*status="(online|warning)".*\} 1$/m);
  });
});
