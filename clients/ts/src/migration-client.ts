/** The API migration: jobs that move VMs, schedules, webhooks, and the VMs of a vCenter. */
import { DroverApiError } from './drover-api-error.ts';
import { DroverHttp } from './drover-http.ts';
import type { Call, ClientOptions } from './drover-http.ts';
import { ReconnectingJobFeed } from './job-feed.ts';
import type { JobFeed, JobFeedEvents, LiveStatus } from './job-feed.ts';
import type {
  Connection,
  Finding,
  Job,
  JobFilters,
  JobPage,
  JobRequest,
  Schedule,
  ScheduleRun,
  SourceVm,
  SubmitAnswer,
  VmSource,
  VmSummary,
  Webhook,
  WebhookTest,
} from './migration-shapes.ts';

const POLL_MS = 1000;
const RETRY_MS = 1000;

export class MigrationClient {
  readonly #http: DroverHttp;

  /** `baseUrl` is where Drover is, such as `http://localhost:8080`. */
  constructor(baseUrl: string, options: ClientOptions = {}) {
    this.#http = new DroverHttp(baseUrl, options);
  }

  async status(): Promise<LiveStatus & { worker_count: number; active_workers: number }> {
    return await this.#http.json('/status');
  }

  async capabilities(): Promise<Record<string, unknown>> {
    return await this.#http.json('/capabilities');
  }

  async submit(job: JobRequest): Promise<SubmitAnswer> {
    return await this.#post('/jobs/submit', job);
  }

  /** Those that are wrong are rejected, and the others accepted. */
  async submitAll(jobs: readonly JobRequest[]): Promise<SubmitAnswer> {
    return await this.#post('/jobs/submit', { jobs });
  }

  /** What stands in the way of a job. */
  async preflight(job: JobRequest): Promise<{ ok: boolean; findings: Finding[] }> {
    return await this.#post('/jobs/preflight', job);
  }

  async job(id: string): Promise<Job> {
    return await this.#http.json(`/jobs/${encodeURIComponent(id)}`);
  }

  /** One page, the newest first. */
  async jobs(filters: JobFilters = {}): Promise<JobPage> {
    return await this.#post('/jobs/query', filters);
  }

  /** Every job that fits, page by page. */
  async *allJobs(filters: JobFilters = {}): AsyncGenerator<Job> {
    let cursor: string | null | undefined = filters.cursor;
    do {
      const page: JobPage = await this.jobs({
        ...filters,
        ...(typeof cursor === 'string' && { cursor }),
      });
      yield* page.jobs;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  /** Resolves when it has ended, however that was. */
  async waitFor(
    id: string,
    { onProgress, pollMs = POLL_MS, signal }: WaitOptions = {},
  ): Promise<Job> {
    for (;;) {
      signal?.throwIfAborted();
      const job = await this.job(id);
      onProgress?.(job);
      if (job.status !== 'pending' && job.status !== 'running') return job;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async cancel(...ids: readonly string[]): Promise<{ cancelled: string[]; failed: string[] }> {
    return await this.#post('/jobs/cancel', { job_ids: ids });
  }

  async retry(id: string): Promise<{ job: Job }> {
    return await this.#post(`/jobs/${encodeURIComponent(id)}/retry`);
  }

  /** Removes what a job that ended left behind. */
  async clean(id: string): Promise<{ removed: string[] }> {
    return await this.#post(`/jobs/${encodeURIComponent(id)}/clean`);
  }

  /** Bytes a second; null takes the limit away. */
  async limitBandwidth(id: string, bytesPerSecond: number | null): Promise<Job> {
    const body = { bandwidth_limit: bytesPerSecond };
    return await this.#call('PATCH', `/jobs/${encodeURIComponent(id)}`, body);
  }

  async logs(
    id: string,
    { after, limit }: { readonly after?: number; readonly limit?: number } = {},
  ): Promise<{ logs: JobLogLine[]; next_after: number }> {
    return await this.#http.json(`/jobs/${encodeURIComponent(id)}/logs`, {
      query: { after, limit },
    });
  }

  /** Calls back as jobs change, until it is closed. A lost connection comes back by itself. */
  watch(events: JobFeedEvents): JobFeed {
    const url = this.#http.url('/ws').replace(/^http/, 'ws');
    if (typeof WebSocket === 'undefined') {
      const message = 'this runtime has no WebSocket; poll with waitFor instead';
      throw new DroverApiError(message, { status: 0, kind: 'unimplemented' });
    }
    const { token } = this.#http;
    return new ReconnectingJobFeed({ url, token, firstRetryMs: RETRY_MS }, events);
  }

  async schedules(): Promise<Schedule[]> {
    return (await this.#http.json<{ schedules: Schedule[] }>('/schedules')).schedules;
  }

  async createSchedule(schedule: ScheduleRequest): Promise<Schedule> {
    return (await this.#post<{ schedule: Schedule }>('/schedules', schedule)).schedule;
  }

  /** What is left out stays as it is. */
  async changeSchedule(id: string, changes: Partial<ScheduleRequest>): Promise<Schedule> {
    const path = `/schedules/${encodeURIComponent(id)}`;
    return (await this.#call<{ schedule: Schedule }>('PUT', path, changes)).schedule;
  }

  async removeSchedule(id: string): Promise<void> {
    await this.#call('DELETE', `/schedules/${encodeURIComponent(id)}`);
  }

  /** A run now. */
  async triggerSchedule(id: string): Promise<ScheduleRun> {
    const path = `/schedules/${encodeURIComponent(id)}/trigger`;
    return (await this.#post<{ run: ScheduleRun }>(path)).run;
  }

  async webhooks(): Promise<Webhook[]> {
    return (await this.#http.json<{ webhooks: Webhook[] }>('/webhooks')).webhooks;
  }

  async addWebhook(webhook: WebhookRequest): Promise<Webhook> {
    return (await this.#post<{ webhook: Webhook }>('/webhooks', webhook)).webhook;
  }

  /** By its index or, which is safer, by its id. */
  async removeWebhook(indexOrId: number | string): Promise<void> {
    await this.#call('DELETE', `/webhooks/${encodeURIComponent(indexOrId)}`);
  }

  async testWebhook(webhook: { readonly url: string; event?: string }): Promise<WebhookTest> {
    return await this.#post('/webhooks/test', webhook);
  }

  /** By POST, so that a password is in no URL. */
  async vms(source: VmSource & { pattern?: string } = {}): Promise<VmSummary[]> {
    return (await this.#post<{ vms: VmSummary[] }>('/vms/list', source)).vms;
  }

  async vm(path: string, source: VmSource = {}): Promise<SourceVm> {
    return await this.#post('/vms/info', { ...source, vm_path: path });
  }

  async connections(): Promise<Connection[]> {
    return (await this.#http.json<{ connections: Connection[] }>('/connections')).connections;
  }

  async createConnection(connection: VmSource & { name: string }): Promise<Connection> {
    const answer = await this.#post<{ connection: Connection }>('/connections', connection);
    return answer.connection;
  }

  async testConnection(name: string): Promise<{ product: string; vms: number | null }> {
    return await this.#post(`/connections/${encodeURIComponent(name)}/test`);
  }

  async removeConnection(name: string): Promise<void> {
    await this.#call('DELETE', `/connections/${encodeURIComponent(name)}`);
  }

  async #post<T>(path: string, body?: object): Promise<T> {
    return await this.#call('POST', path, body);
  }

  async #call<T>(method: NonNullable<Call['method']>, path: string, body?: object): Promise<T> {
    return await this.#http.json(path, { method, ...(body !== undefined && { body }) });
  }
}

export interface WaitOptions {
  /** Called with each look. */
  readonly onProgress?: (job: Job) => void;
  /** Between two looks, 1 s when left out. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
}

export interface JobLogLine {
  sequence: number;
  timestamp: string;
  level: string;
  message: string;
}

export interface ScheduleRequest {
  id?: string;
  name?: string;
  description?: string;
  /** A cron expression, such as `0 2 * * *`. */
  schedule: string;
  timezone?: string;
  enabled?: boolean;
  job_template: JobRequest;
  [more: string]: unknown;
}

export interface WebhookRequest {
  url: string;
  /** All when left out. */
  events?: readonly string[];
  enabled?: boolean;
  /** Seconds. */
  timeout?: number;
  retry_count?: number;
  headers?: Record<string, string>;
  secret?: string;
}
