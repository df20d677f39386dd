/** The seven documented series, with the line that parts them where the document has it. */
import type { PoolSnapshot } from './pool-snapshot.ts';

interface Series {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly read: (snapshot: PoolSnapshot) => number;
}

const SERIES: readonly Series[] = [
  gauge('buntime_pool_size', 'Maximum pool size', ({ pool }) => pool.size),
  gauge('buntime_pool_active', 'Active workers', ({ pool }) => pool.active),
  gauge('buntime_pool_idle', 'Idle workers', ({ pool }) => pool.idle),
  gauge('buntime_pool_creating', 'Workers being created', ({ pool }) => pool.creating),
  gauge('buntime_pool_total', 'Total workers', ({ pool }) => pool.total),
  gauge('buntime_pool_utilization', 'Pool utilization ratio', ({ pool }) => pool.utilization),
  {
    name: 'buntime_uptime_seconds',
    help: 'Server uptime in seconds',
    kind: 'counter',
    read: ({ uptime }) => uptime,
  },
];

export function snapshotToPrometheus(snapshot: PoolSnapshot): string {
  return SERIES.map(
    ({ name, help, kind, read }) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name} ${read(snapshot)}\n`,
  ).join('\n');
}

function gauge(name: string, help: string, read: Series['read']): Series {
  return { name, help, kind: 'gauge', read };
}
