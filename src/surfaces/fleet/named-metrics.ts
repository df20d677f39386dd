/** The names of this surface's document as series on `/metrics`, read when they are asked for. */
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { FleetView } from './render/overview.ts';
import { NAMED_SERIES, namedSeries } from './render/prometheus-lines.ts';

export function registerNamedMetrics(registry: MetricsRegistry, fleet: FleetView): void {
  const gauges = NAMED_SERIES.map((name) => {
    const help = `The same as ${name} of /api/metrics/prometheus.`;
    return { name, gauge: registry.gauge({ name, help }) };
  });
  registry.onCollect(() => {
    const series = namedSeries(fleet);
    for (const { name, gauge } of gauges) {
      const value = series.get(name);
      if (value === undefined) gauge.clear();
      else gauge.set({}, value);
    }
  });
}
