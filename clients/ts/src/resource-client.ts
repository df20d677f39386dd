/** The API vm-metrics: what a host and its machines use, now and before. */
import { DroverHttp } from './drover-http.ts';
import type { ClientOptions } from './drover-http.ts';

/** What nobody could measure is null. */
type Measured = number | null;

export interface Snapshot {
  /** Seconds since 1970. */
  timestamp: number;
  instance_id: string;
  account_id: string | null;
  cpu: { usage_pct: Measured; process_count: Measured };
  /** Bytes. */
  memory: Record<'total' | 'free' | 'available' | 'used' | 'total_swap' | 'used_swap', Measured>;
  disks: DiskUsage[];
  network: { interfaces: InterfaceUsage[] };
  gpus: GpuUsage[];
  /** Times 100. */
  load: Record<'load1' | 'load5' | 'load15', Measured>;
}

export type DiskUsage = { device_name: string } & Record<
  | 'reads_completed'
  | 'reads_merged'
  | 'sectors_read'
  | 'time_reading'
  | 'writes_completed'
  | 'writes_merged'
  | 'sectors_written'
  | 'time_writing'
  | 'io_in_progress'
  | 'time_doing_io'
  | 'weighted_time_doing_io',
  Measured
>;

export type InterfaceUsage = { name: string } & Record<
  | 'bytes_sent'
  | 'bytes_received'
  | 'packets_sent'
  | 'packets_received'
  | 'errors_in'
  | 'errors_out'
  | 'drops_in'
  | 'drops_out'
  | 'speed',
  Measured
>;

export type GpuUsage = { index: number; model: string } & Record<
  'utilization_bps' | 'memory_usage_bps' | 'temperature_deci_c' | 'power_draw_deci_w',
  Measured
>;

export interface HealthStatus {
  status: 'ok' | 'degraded' | 'error';
  uptime_seconds: number;
  components: Record<
    string,
    { status: 'ok' | 'degraded' | 'error'; last_success: number | null; details: string }
  >;
  version: string;
}

/** Seconds since 1970, a date, or text as the API takes it: `-90m`, `now`. */
export type Instant = number | string | Date;

export interface SeriesQuery {
  readonly metric?: string | readonly string[];
  /** Selectors as in Prometheus: `name{label="value"}`. */
  readonly match?: string | readonly string[];
  readonly from?: Instant;
  readonly to?: Instant;
  readonly limit?: number;
}

export interface Series {
  metric: string;
  labels: Record<string, string>;
}

export interface RangeQuery extends SeriesQuery {
  /** A length of time such as `15s`, or a number of seconds. */
  readonly step?: string | number;
  readonly fn?: string;
  readonly agg?: 'sum' | 'avg' | 'min' | 'max' | 'count';
  readonly by?: string | readonly string[];
}

export interface Range {
  from: number;
  to: number;
  fn: string;
  step?: number;
  found: number;
  truncated: boolean;
  /** Points are an instant and a value, null where nothing was measured. */
  series: (Series & { points: [at: number, value: number | null][] })[];
}

export class ResourceClient {
  readonly #http: DroverHttp;

  constructor(baseUrl: string, options: ClientOptions = {}) {
    this.#http = new DroverHttp(baseUrl, options);
  }

  /** How the host stands, or one machine on it. */
  async get(instanceId?: string, signal?: AbortSignal): Promise<Snapshot> {
    return await this.#http.json('/get', { query: { instance_id: instanceId }, signal });
  }

  /** `healthy`, or what else the server says of itself in one word. */
  async health(signal?: AbortSignal): Promise<string> {
    return (await this.#http.text('/health', { accept: 'text/plain', signal })).trim();
  }

  async healthStatus(signal?: AbortSignal): Promise<HealthStatus> {
    return await this.#http.json('/api/v1/health/status', { signal });
  }

  /** Which series there are; of the last hour when nothing else is said. */
  async series(query: SeriesQuery = {}, signal?: AbortSignal): Promise<Series[]> {
    return await this.#http.json('/api/v1/metrics/series', { query: toWire(query), signal });
  }

  /** Values over time. */
  async range(query: RangeQuery, signal?: AbortSignal): Promise<Range> {
    const { step, fn, agg, by } = query;
    const inWire = { ...toWire(query), step, fn, agg, by, format: 'json' };
    return await this.#http.json('/api/v1/metrics/range', { query: inWire, signal });
  }
}

function toWire({ metric, match, from, to, limit }: SeriesQuery) {
  return { metric, 'match[]': match, from, to, limit };
}
