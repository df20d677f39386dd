/** A worker pool over members that pretend, on a clock that stands still. */
import assert from 'node:assert/strict';
import { FakeLauncher } from '#backends/fake/fake-launcher.ts';
import type { FakeCall, FakeMember, FakeScript } from '#backends/fake/fake-member.ts';
import type { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { GIB, MIB, SECOND_MS } from '#kernel/units.ts';
import type { AnswerHandler, Exchange, RequestHead, ResponseHead } from '#workers/exchange.ts';
import type { Egress } from '#workers/member.ts';
import type { PoolSettings } from '#workers/pool-settings.ts';
import { refuseAll } from '#workers/pool/refuse-all.ts';
import { WorkerPool } from '#workers/pool/worker-pool.ts';
import type { WorkerApp, WorkerLimits } from '#workers/worker-app.ts';
import type { WorkerView } from '#workers/worker-view.ts';

const SETTINGS: PoolSettings = { size: 50, memoryBytes: 100 * GIB, warm: 0, startsAtOnce: 100 };

const LIMITS: WorkerLimits = {
  concurrency: 1,
  minWorkers: 0,
  maxWorkers: 4,
  idleTimeoutMs: 60 * SECOND_MS,
  requestTimeoutMs: 30 * SECOND_MS,
  queueLimit: 100,
  queueTimeoutMs: 10 * SECOND_MS,
  startTimeoutMs: 20 * SECOND_MS,
  maxRequests: 1_000_000,
  maxMemoryBytes: 256 * MIB,
};

export function workerApp(key: string, limits: Partial<WorkerLimits> = {}): WorkerApp {
  const [name = key, version = '1.0.0'] = key.split('@');
  return {
    key,
    isolation: 'process',
    limits: { ...LIMITS, ...limits },
    binding: {
      ...{ name, version, directory: `/apps/${name}`, entrypoint: 'app.ts', env: {} },
      ...{ allowedHosts: [], grants: [], readableDirectories: [], writableDirectories: [] },
    },
  };
}

export function tasksApp(limits: Partial<WorkerLimits> = {}): WorkerApp {
  const { limits: all } = workerApp('tasks', limits);
  return { key: '(tasks)', isolation: 'thread', limits: all, binding: undefined };
}

/** One request, and all that its asker was told. */
export class Asker implements AnswerHandler {
  readonly heads: ResponseHead[] = [];
  readonly failures: DroverError[] = [];
  readonly pieces: Uint8Array[] = [];
  ends = 0;
  drains = 0;
  /** Called when it is over, from within what told it so. */
  onOver: () => void = () => undefined;
  readonly #over = Promise.withResolvers<void>();

  get isOver(): boolean {
    return this.ends + this.failures.length > 0;
  }

  /** How it ended: a status, or the reason of the failure. */
  get result(): string {
    assert.ok(this.ends + this.failures.length <= 1, 'it was answered twice');
    const [failure] = this.failures;
    if (failure !== undefined) return failure.reason;
    return this.ends === 1 ? String(this.heads[0]?.status ?? 'end') : 'pending';
  }

  async over(): Promise<string> {
    await this.#over.promise;
    return this.result;
  }

  onHead(head: ResponseHead, body: Uint8Array | undefined): void {
    this.heads.push(head);
    if (body !== undefined && body.length > 0) this.pieces.push(body);
  }

  onData(bytes: Uint8Array): void {
    this.pieces.push(bytes);
  }

  onEnd(): void {
    this.ends += 1;
    this.#finish();
  }

  onFail(error: DroverError): void {
    this.failures.push(error);
    this.#finish();
  }

  onDrain(): void {
    this.drains += 1;
  }

  #finish(): void {
    this.#over.resolve();
    this.onOver();
  }
}

export interface Asked {
  readonly asker: Asker;
  readonly exchange: Exchange;
}

export interface PoolFixtureOptions {
  readonly settings?: Partial<PoolSettings>;
  readonly script?: FakeScript;
  readonly chance?: () => number;
}

export class PoolFixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly metrics = new MetricsRegistry();
  readonly output: string[] = [];
  readonly processes: FakeLauncher;
  readonly threads: FakeLauncher;
  readonly pool: WorkerPool;
  /** Requests at members that nobody has answered; unless the script has its own way. */
  readonly calls: FakeCall[] = [];

  constructor({ settings, script, chance }: PoolFixtureOptions = {}) {
    const held: FakeScript = { request: (call) => void this.calls.push(call), ...script };
    this.processes = new FakeLauncher('process', held);
    this.threads = new FakeLauncher('thread', held);
    const egress: Egress = {
      answererFor: () => refuseAll,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    this.pool = new WorkerPool({
      clock: this.clock,
      log: silentLog,
      metrics: this.metrics,
      launchers: { process: this.processes, thread: this.threads },
      egress,
      settings: { ...SETTINGS, ...settings },
      onOutput: (app, stream, line) => this.output.push(`${app} ${stream} ${line}`),
      chance: chance ?? (() => 0.5),
    });
  }

  ask(key: string, head: Partial<RequestHead> = {}, body?: Uint8Array): Asked {
    const asker = new Asker();
    const whole = { method: 'GET', url: 'http://app/', headers: [], hasBody: false, ...head };
    return { asker, exchange: this.pool.fetch(key, whole, body, asker) };
  }

  /** Asks, and lets everything happen that takes no time. */
  async asked(key: string, head: Partial<RequestHead> = {}): Promise<Asked> {
    const asked = this.ask(key, head);
    await this.settle();
    return asked;
  }

  /** Lets everything happen that takes no time, and checks that the books are right. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) await this.clock.advance(0);
    this.check();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.settle();
  }

  /** What always holds. */
  check(): void {
    const counts = this.pool.counts();
    const live = this.live();
    const count = (...states: string[]) =>
      live.filter(({ state }) => states.includes(state)).length;
    assert.equal(counts.active, count('active'));
    assert.equal(counts.idle, count('idle', 'ready'));
    assert.equal(counts.creating, count('creating'));
    assert.equal(counts.total, live.length);
    assert.ok(counts.total <= counts.size, `${counts.total} workers, size ${counts.size}`);
    const ofApps = live.filter(({ app }) => app !== '(warm)');
    for (const column of ['active', 'idle', 'creating'] as const) {
      const sum = this.pool.apps().reduce((total, app) => total + app[column], 0);
      const states = column === 'idle' ? ['idle', 'ready'] : [column];
      assert.equal(sum, ofApps.filter(({ state }) => states.includes(state)).length);
    }
    for (const view of live) {
      const { id, state, inFlight } = view;
      assert.equal(inFlight > 0, state === 'active', `${id} is ${state} with ${inFlight}`);
    }
  }

  live(key?: string): readonly WorkerView[] {
    const live = this.pool.workers().filter(({ state }) => state !== 'terminated');
    return key === undefined ? live : live.filter(({ app }) => app === key);
  }

  ended(): readonly WorkerView[] {
    return this.pool.workers().filter(({ state }) => state === 'terminated');
  }

  /** The member of the only worker of this app. */
  memberOf(key: string): FakeMember {
    const [view, ...others] = this.live(key);
    assert.equal(others.length, 0, `${key} has several workers`);
    return this.member(view?.id ?? '');
  }

  member(workerId: string): FakeMember {
    const { members } = workerId === '' ? this.processes : this.launcherOf(workerId);
    const member = members.get(workerId);
    assert.ok(member !== undefined, `there is no member ${workerId}`);
    return member;
  }

  launcherOf(workerId: string): FakeLauncher {
    return this.threads.members.has(workerId) ? this.threads : this.processes;
  }

  /** Answers the request that has been at a member for longest. */
  async answerNext(): Promise<void> {
    const call = this.calls.shift();
    assert.ok(call !== undefined, 'no request is at a member');
    call.answer(200);
    await this.settle();
  }

  async answerAll(): Promise<void> {
    while (this.calls.length > 0) await this.answerNext();
  }

  /** Of one line of the exposition. */
  metric(line: string): number | undefined {
    const found = this.metrics
      .expose()
      .split('\n')
      .find((each) => each.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const drained = this.pool.drain(AbortSignal.abort());
    // Hooks under way have their time, on a clock that nobody else moves any more.
    await this.clock.advance(2000);
    await drained;
  }
}
