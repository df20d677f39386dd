/**
 * Named checks of the parts Drover stands on. A check that hangs is unhealthy after its deadline,
 * is never started a second time while it hangs, and delays no answer past the deadline.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import { toIsoTime, type Clock } from '#kernel/clock.ts';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface HealthCheck {
  readonly name: string;
  /** Whether Drover is of no use without it; a lesser part's failure only degrades. */
  readonly isCritical: boolean;
  /** Resolves when all is well, or with how it is; throws when it is not. */
  readonly run: (signal: AbortSignal) => Promise<HealthStatus | void>;
}

export interface CheckResult {
  readonly status: HealthStatus;
  readonly duration_ms: number;
  readonly timestamp: string;
}

/** The answer of `GET /health`, as documented. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly timestamp: string;
  readonly version: string;
  readonly backend: { readonly type: string; readonly status: HealthStatus };
  readonly system: {
    readonly uptime_seconds: number;
    readonly memory_usage_mb: number;
    readonly cpu_usage_percent: number;
  };
  readonly checks: Readonly<Record<string, CheckResult>>;
}

export interface HealthChecksOptions {
  readonly clock: Clock;
  readonly version: string;
  readonly backendType: string;
  /** The name of the check whose result is the backend's status. */
  readonly backendCheck: string;
  readonly checks: readonly HealthCheck[];
  /** What each check may take. Default 900 ms, so that an answer comes within a second. */
  readonly deadlineMs?: number;
  /** Told why a check failed, for the log; the answer itself does not say. */
  readonly onFailure?: (name: string, error: unknown) => void;
}

const DEADLINE_MS = 900;
const CACHE_MS = 1000;

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #underWay = new Map<string, Promise<HealthStatus>>();
  readonly #system: SystemUsage;
  #cached: { readonly untilMs: number; readonly report: Promise<HealthReport> } | undefined;

  constructor(options: HealthChecksOptions) {
    this.#options = options;
    this.#system = new SystemUsage(options.clock);
  }

  /** At most a second old; callers at the same time share one run. */
  report(): Promise<HealthReport> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#cached !== undefined && nowMs < this.#cached.untilMs) return this.#cached.report;
    const report = this.#run();
    this.#cached = { untilMs: nowMs + CACHE_MS, report };
    return report;
  }

  async #run(): Promise<HealthReport> {
    const { checks, clock, version, backendType, backendCheck } = this.#options;
    const results = await Promise.all(checks.map((check) => this.#runOne(check)));
    const named = Object.fromEntries(checks.map(({ name }, at) => [name, results[at]] as const));
    return {
      status: overall(checks, results),
      timestamp: toIsoTime(clock.nowMs()),
      version,
      backend: { type: backendType, status: named[backendCheck]?.status ?? 'unhealthy' },
      system: this.#system.read(),
      checks: Object.fromEntries(
        Object.entries(named).flatMap(([name, result]) =>
          result === undefined ? [] : [[name, result]],
        ),
      ),
    };
  }

  async #runOne(check: HealthCheck): Promise<CheckResult> {
    const { clock, onFailure, deadlineMs = DEADLINE_MS } = this.#options;
    const startedMs = clock.monotonicMs();
    using deadline = openDeadline(clock, deadlineMs, `the health check ${check.name}`);
    let status: HealthStatus;
    try {
      status = await untilAborted(this.#join(check, deadline.signal), deadline.signal);
    } catch (error) {
      onFailure?.(check.name, error);
      status = 'unhealthy';
    }
    const duration_ms = Math.round((clock.monotonicMs() - startedMs) * 1000) / 1000;
    return { status, duration_ms, timestamp: toIsoTime(clock.nowMs()) };
  }

  /** The run under way if the last one hangs still, so that hanging checks do not pile up. */
  #join(check: HealthCheck, signal: AbortSignal): Promise<HealthStatus> {
    const known = this.#underWay.get(check.name);
    if (known !== undefined) return known;
    const run = Promise.try(check.run, signal)
      .then((status) => status ?? 'healthy')
      .finally(() => this.#underWay.delete(check.name));
    // Its failure may come after everyone stopped waiting; that is no unhandled rejection.
    run.catch(() => {});
    this.#underWay.set(check.name, run);
    return run;
  }
}

function overall(checks: readonly HealthCheck[], results: readonly CheckResult[]): HealthStatus {
  let status: HealthStatus = 'healthy';
  for (const [at, check] of checks.entries()) {
    const one = results[at]?.status ?? 'unhealthy';
    if (one === 'unhealthy' && check.isCritical) return 'unhealthy';
    if (one !== 'healthy') status = 'degraded';
  }
  return status;
}

/** What this process uses. CPU is over the time since it was last read, 100 for one full core. */
class SystemUsage {
  readonly #clock: Clock;
  #last: { readonly atMs: number; readonly cpuMicros: number; readonly percent: number };

  constructor(clock: Clock) {
    this.#clock = clock;
    // The first interval begins with the process.
    const atMs = clock.monotonicMs() - process.uptime() * 1000;
    this.#last = { atMs, cpuMicros: 0, percent: 0 };
  }

  read(): HealthReport['system'] {
    const { user, system } = process.cpuUsage();
    const atMs = this.#clock.monotonicMs();
    const passedMs = atMs - this.#last.atMs;
    if (passedMs > 0) {
      const cpuMs = (user + system - this.#last.cpuMicros) / 1000;
      const percent = Math.round((cpuMs / passedMs) * 10_000) / 100;
      this.#last = { atMs, cpuMicros: user + system, percent };
    }
    return {
      uptime_seconds: Math.floor(process.uptime()),
      memory_usage_mb: Math.round((process.memoryUsage.rss() / (1024 * 1024)) * 10) / 10,
      cpu_usage_percent: this.#last.percent,
    };
  }
}
