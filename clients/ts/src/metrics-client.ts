/** The API pool-metrics: how the worker pool stands, now and as it changes. */
import { DroverHttp } from './drover-http.ts';
import type { ClientOptions } from './drover-http.ts';
import { nativeEventSource } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';
import { FetchEventSource } from './fetch-event-source.ts';

export interface PoolMetrics {
  /** The most workers there may be. */
  size: number;
  active: number;
  idle: number;
  creating: number;
  /** active + idle + creating. */
  total: number;
  /** active / size. */
  utilization: number;
}

export interface MetricsResponse {
  pool: PoolMetrics;
  /** Of the server, in seconds. */
  uptime: number;
  /** ISO 8601. */
  timestamp: string;
}

export interface WorkerMetrics {
  id: string;
  /** `name@version`; in parentheses what is no app: `(warm)`, `(tasks)`. */
  app: string;
  state: 'creating' | 'ready' | 'active' | 'idle' | 'terminated';
  /** All it was ever given. */
  requests: number;
  /** Seconds since it was created. */
  uptime: number;
  memory: {
    /** Bytes; 0 when not read yet. */
    rss: number;
    heapUsed: number;
    /** `process` is measured; `share` is this thread's part of what the whole process holds. */
    source: 'process' | 'share' | null;
    /** Seconds since it was read. */
    age: number | null;
  };
  kind: 'process' | 'thread';
  pid: number | null;
  inFlight: number;
  /** It finishes what it has and gets nothing more. */
  draining: boolean;
  /** Of its event loop, 0 to 1. */
  utilization: number | null;
  /** Why it was ended, such as `idle` or `crashed`. */
  endReason: string | null;
}

export interface StatsResponse {
  pool: PoolMetrics;
  workers: WorkerMetrics[];
}

export interface MetricsClientOptions extends ClientOptions {
  /** How long a lost stream waits before it connects again, at first; 1 s when left out. */
  readonly retryMs?: number | undefined;
}

const METRICS = '/metrics/api/metrics/';
const STREAM = `${METRICS}sse`;
const RETRY_MS = 1000;

export class MetricsClient {
  readonly #http: DroverHttp;
  readonly #retryMs: number;
  readonly #hasOwnFetch: boolean;

  /** `baseUrl` is where Drover is, such as `http://localhost:8080`. */
  constructor(baseUrl: string, options: MetricsClientOptions = {}) {
    this.#http = new DroverHttp(baseUrl, options);
    this.#retryMs = options.retryMs ?? RETRY_MS;
    this.#hasOwnFetch = options.fetch !== undefined;
  }

  async getMetrics(signal?: AbortSignal): Promise<MetricsResponse> {
    return await this.#http.json(METRICS, { signal });
  }

  /** Prometheus' text format. */
  async getPrometheus(signal?: AbortSignal): Promise<string> {
    return await this.#http.text(`${METRICS}prometheus`, { accept: 'text/plain', signal });
  }

  async getStats(signal?: AbortSignal): Promise<StatsResponse> {
    return await this.#http.json(`${METRICS}stats`, { signal });
  }

  /**
   * Calls back at once and then whenever the server sends, until the answer is closed. A lost
   * connection comes back by itself.
   */
  connectSSE(callback: (data: MetricsResponse) => void): EventStream {
    const stream = this.#openStream();
    stream.onmessage = (event) => callback(JSON.parse(String(event.data)) as MetricsResponse);
    return stream;
  }

  #openStream(): EventStream {
    const Native = nativeEventSource();
    // A native one sends no token, and uses a fetch of its own.
    const isPlain = this.#http.token === undefined && !this.#hasOwnFetch;
    if (Native !== undefined && isPlain) return new Native(this.#http.url(STREAM));
    return new FetchEventSource(this.#http, STREAM, this.#retryMs);
  }
}
