/** What the routes for clients of Prometheus stand on. */
import type { Clock } from '#kernel/clock.ts';
import type { MetricReader } from '#metrics/metric-reader.ts';
import type { Promql } from '#metrics/promql/promql.ts';

export interface PrometheusParts {
  readonly promql: Promql;
  readonly reader: MetricReader;
  readonly clock: Clock;
  /** Of this program; shown as the version of the server. */
  readonly version: string;
}
