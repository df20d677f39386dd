/**
 * The examples of the API document, run by pool-metrics-documented.test.ts in a process that has
 * an EventSource as browsers do. Says one line of JSON for each, and ends by itself.
 */

interface PoolMetrics {
  size: number;
  active: number;
  idle: number;
  creating: number;
  total: number;
  utilization: number;
}

interface MetricsResponse {
  pool: PoolMetrics;
  uptime: number;
  timestamp: string;
}

interface StatsResponse {
  pool: PoolMetrics;
  workers: {
    id: string;
    app: string;
    state: 'creating' | 'ready' | 'active' | 'idle' | 'terminated';
    requests: number;
    uptime: number;
    memory: { rss: number; heapUsed: number };
  }[];
}

/** The documented client; only its constructor is written out, since types alone are stripped. */
class MetricsClient {
  readonly baseUrl: string;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  async getMetrics(): Promise<MetricsResponse> {
    const res = await fetch(`${this.baseUrl}/metrics/api/metrics/`);
    return (await res.json()) as MetricsResponse;
  }

  async getPrometheus(): Promise<string> {
    const res = await fetch(`${this.baseUrl}/metrics/api/metrics/prometheus`);
    return await res.text();
  }

  async getStats(): Promise<StatsResponse> {
    const res = await fetch(`${this.baseUrl}/metrics/api/metrics/stats`);
    return (await res.json()) as StatsResponse;
  }

  connectSSE(callback: (data: MetricsResponse) => void): EventSource {
    const source = new EventSource(`${this.baseUrl}/metrics/api/metrics/sse`);
    source.onmessage = (e) => callback(JSON.parse(String(e.data)) as MetricsResponse);
    return source;
  }
}

interface Streaming {
  connectSSE(callback: (data: MetricsResponse) => void): { close(): void };
}

interface OurPackage {
  readonly MetricsClient: new (url: string) => Streaming;
}

const [baseUrl = '', ourPackage = ''] = process.argv.slice(2);
const client = new MetricsClient(baseUrl);

const { pool } = await client.getMetrics();
say('utilization', `${(pool.utilization * 100).toFixed(1)}%`);
say('prometheus', (await client.getPrometheus()).split('\n')[0]);

const { workers } = await client.getStats();
say('workers', workers.length);
say(
  'breakdown',
  workers.map(({ id, app, state, requests, memory }) => {
    const memMB = (memory.rss / 1024 / 1024).toFixed(1);
    return `${id} [${app}] ${state} - ${requests} reqs, ${memMB}MB`;
  }),
);

say('streamed', await readThree(client));
const { MetricsClient: Ours } = (await import(ourPackage)) as OurPackage;
const native = new Ours(baseUrl).connectSSE(() => undefined);
say('ours is native', native instanceof EventSource);
native.close();
say('ours streamed', await readThree(new Ours(baseUrl)));
say('refused', await readRefused(`${baseUrl}/metrics/api/metrics/nothing`));

async function readThree(streaming: Streaming): Promise<string[]> {
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const sse = streaming.connectSSE((data) => {
    seen.push(`${data.pool.active}/${data.pool.total}`);
    if (seen.length === 3) resolve();
  });
  await promise;
  sse.close();
  return seen;
}

async function readRefused(url: string): Promise<number> {
  const source = new EventSource(url);
  const { promise, resolve } = Promise.withResolvers<void>();
  source.onerror = () => {
    source.close();
    resolve();
  };
  await promise;
  return source.readyState;
}

function say(what: string, value: unknown): void {
  console.log(JSON.stringify({ [what]: value }));
}
