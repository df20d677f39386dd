/** The migrations of a server as its clients ask for them. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

export interface WireJob {
  readonly status: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';
  readonly error: string | null;
  readonly last_error: {
    readonly kind: string;
    readonly reason: string;
    readonly message: string;
  } | null;
  readonly attempts: number;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly progress: { readonly stage: string; readonly percent_complete: number };
}

type Json = Readonly<Record<string, unknown>>;

export interface WireAnswer {
  readonly status: number;
  readonly json: Json;
}

const LOOK_MS = 10;
const PATIENCE_MS = 90_000;

export class MigrationApi {
  /** Of the server that runs now: one that was killed comes back at another. */
  url: string;

  constructor(url: string) {
    this.url = url;
  }

  async call(method: string, path: string, body?: unknown): Promise<WireAnswer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return { status: answer.status, json: (await answer.json()) as Json };
  }

  async submit(request: object): Promise<string> {
    const { status, json } = await this.call('POST', '/jobs/submit', request);
    assert.equal(status, 201, JSON.stringify(json));
    return String(json['job_id']);
  }

  async job(id: string): Promise<WireJob> {
    const { status, json } = await this.call('GET', `/jobs/${id}`);
    assert.equal(status, 200, JSON.stringify(json));
    return json as Json & WireJob;
  }

  /** The first look at which it is so. */
  async when(id: string, isSo: (job: WireJob) => boolean): Promise<WireJob> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const job = await this.job(id);
      if (isSo(job)) return job;
      if (performance.now() > endMs) assert.fail(`still waiting: ${JSON.stringify(job)}`);
      await delay(LOOK_MS);
    }
  }

  /** When it has ended. The time before another attempt is not waited for. */
  async finish(id: string): Promise<WireJob> {
    let hurried = 0;
    return await this.when(id, ({ status, attempts, last_error: error }) => {
      if (status === 'pending' && error !== null && attempts > hurried) {
        hurried = attempts;
        void this.call('POST', `/jobs/${id}/retry`);
      }
      return status !== 'pending' && status !== 'running';
    });
  }

  async completed(id: string): Promise<WireJob> {
    const job = await this.finish(id);
    assert.deepEqual([job.status, job.error], ['completed', null]);
    return job;
  }

  /** How long it was until the job had truly ended. */
  async cancel(id: string): Promise<number> {
    const startMs = performance.now();
    const { status } = await this.call('POST', '/jobs/cancel', { job_ids: [id] });
    assert.equal(status, 200);
    const job = await this.finish(id);
    assert.equal(job.status, 'cancelled', JSON.stringify(job));
    return performance.now() - startMs;
  }

  async log(id: string): Promise<string> {
    const { json } = await this.call('GET', `/jobs/${id}/logs`);
    return JSON.stringify(json);
  }
}
