/** What the routes of history stand on. */
import type { Clock } from '#kernel/clock.ts';
import type { MetricReader } from '#metrics/metric-reader.ts';

export interface RangeParts {
  readonly reader: MetricReader;
  readonly clock: Clock;
}
