/** The surface pool-metrics on a listener of its own, in front of a pool that a test makes up. */
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import type { OperatorPrincipal } from '#access/principal.ts';
import { systemClock } from '#kernel/clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import type { PoolMetricsParts, PoolSource } from '#surfaces/pool-metrics/pool-metrics-parts.ts';
import { registerPoolMetricsRoutes } from '#surfaces/pool-metrics/routes.ts';
import type { PoolCounts, WorkerView } from '#workers/worker-view.ts';
import { openTestListener, type TestListener } from './edge-listener.ts';

/** The numbers of the document. */
const DOCUMENTED: PoolCounts = { size: 500, active: 12, idle: 3, creating: 0, total: 15 };

export class FakePool implements PoolSource {
  numbers: PoolCounts = DOCUMENTED;
  views: readonly WorkerView[] = [];
  /** How often the numbers were asked for. */
  asked = 0;

  counts(): PoolCounts {
    this.asked += 1;
    return this.numbers;
  }

  workers(): readonly WorkerView[] {
    return this.views;
  }
}

export function fakeWorker(changes: Partial<WorkerView> = {}): WorkerView {
  return {
    id: 'worker-abc-123',
    app: 'my-app@1.2.0',
    kind: 'process',
    state: 'active',
    pid: 4711,
    requests: 1542,
    inFlight: 2,
    isDraining: false,
    uptimeMs: 3_600_999,
    memory: { rssBytes: 52428800, heapUsedBytes: 31457280, source: 'process', ageMs: 412 },
    utilization: 0.25,
    endReason: undefined,
    ...changes,
  };
}

export const ANYBODY: OperatorPrincipal = {
  kind: 'operator',
  name: 'anybody',
  via: 'dev',
  scopes: ['operator'],
};

export interface PoolMetricsListener extends TestListener {
  readonly pool: FakePool;
}

export interface PoolMetricsOptions extends Partial<PoolMetricsParts> {
  /** Needs no token; so it is unless told otherwise. */
  readonly isOpen?: boolean;
  /** Called with the application before anything else is added to it. */
  readonly before?: (app: FastifyInstance) => void;
}

export async function openPoolMetrics(
  options: PoolMetricsOptions = {},
): Promise<PoolMetricsListener> {
  const { isOpen = true, before, ...parts } = options;
  const pool = new FakePool();
  const opened = await openTestListener((app) => {
    before?.(app);
    const anonymous = isOpen ? ANYBODY : undefined;
    registerAuthentication(app, new Authenticator({ devMode: true }), { anonymous });
    registerPoolMetricsRoutes(app, {
      pool,
      clock: systemClock,
      startedMs: systemClock.monotonicMs(),
      version: '1.2.3',
      sseIntervalMs: 1000,
      ...parts,
    });
  });
  return { ...opened, pool };
}
