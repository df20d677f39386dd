/** The health checks as the standard gRPC health service wants them: pushed when they change. */
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { HealthChecks, HealthStatus } from '#surfaces/edge/health-checks.ts';
import type { ServiceHealth } from '#surfaces/edge/rpc/rpc-health.ts';

/** Nothing is checked while nobody watches. */
const CHECK_MS = 5 * SECOND_MS;
const SERVICES = new Set([
  '',
  'vmprovisioner.v1.VmService',
  'metal.vmprovisioner.v1.VmService',
  'drover.v1.Machines',
]);

export function openServiceHealth(health: HealthChecks, clock: Clock): ServiceHealth & Disposable {
  const watching = new Set<() => void>();
  let last: HealthStatus | undefined;
  const check = async () => {
    if (watching.size === 0) return;
    const { status } = await health.report();
    if (status === last) return;
    last = status;
    for (const onChange of watching) onChange();
  };
  const timer = clock.every(CHECK_MS, () => void check());
  return {
    async status(service) {
      if (!SERVICES.has(service)) return 'unknown';
      const { status } = await health.report();
      return status === 'unhealthy' ? 'not_serving' : 'serving';
    },
    subscribe(onChange) {
      watching.add(onChange);
      return { [Symbol.dispose]: () => void watching.delete(onChange) };
    },
    [Symbol.dispose]: () => timer.cancel(),
  };
}
