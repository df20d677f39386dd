import type { Clock } from '#kernel/clock.ts';
import type { Thresholds } from '#metrics/thresholds/thresholds.ts';

export interface RuleRoutesParts {
  readonly thresholds: Thresholds;
  readonly clock: Clock;
}
