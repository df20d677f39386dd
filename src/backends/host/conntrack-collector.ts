/** The table of connections that the packet filter follows. */
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

/** Column of each in /proc/net/stat/nf_conntrack; sums over all processors. */
const STATISTICS = [
  [2, 'found', 'Lookups that found a connection.'],
  [4, 'invalid', 'Packets that cannot be followed.'],
  [5, 'ignore', 'Packets of connections that are not followed.'],
  [8, 'insert', 'Connections put into the table.'],
  [9, 'insert_failed', 'Connections that could not be put into the table.'],
  [10, 'drop', 'Packets dropped because their connection could not be followed.'],
  [11, 'early_drop', 'Connections given up to make room for new ones.'],
  [16, 'search_restart', 'Lookups begun again because the table had changed its size.'],
] as const;
const COLUMNS = 17;

export function createConntrackCollector(context: CollectorContext): Collector {
  const { table, reader, procRoot } = context;
  const gauge = (name: string, help: string) =>
    table.family(family(`node_nf_conntrack_${name}`, 'gauge', help)).series();
  const count = reader.open(`${procRoot}/sys/net/netfilter/nf_conntrack_count`);
  const most = reader.open(`${procRoot}/sys/net/netfilter/nf_conntrack_max`);
  const file = reader.open(`${procRoot}/net/stat/nf_conntrack`);
  const entries = gauge('entries', 'Connections in the table.');
  const limit = gauge('entries_limit', 'Connections that fit into the table.');
  const statistics = STATISTICS.map(([column, name, help]) => ({
    column,
    series: gauge(`stat_${name}`, help),
  }));
  const sums = new Float64Array(COLUMNS);
  return createCollector({
    name: 'conntrack',
    files: [count, most, file],
    collect(tick) {
      // All three are absent until the packet filter has to follow a connection.
      entries.set(count.number(tick.monotonicMs));
      limit.set(most.number(tick.monotonicMs));
      const scanner = file.scan(tick.monotonicMs);
      if (scanner === undefined) return;
      sums.fill(0);
      scanner.skipLine();
      while (!scanner.isAtEnd) {
        for (let column = 0; column < COLUMNS; column += 1) {
          sums[column] = (sums[column] ?? 0) + scanner.hex();
        }
        scanner.skipLine();
      }
      for (const { column, series } of statistics) series.set(sums[column] ?? NaN);
    },
  });
}
