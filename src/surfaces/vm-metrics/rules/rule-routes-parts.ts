import type { Thresholds } from '#metrics/thresholds/thresholds.ts';

export interface RuleRoutesParts {
  readonly thresholds: Thresholds;
}
