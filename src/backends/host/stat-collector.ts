/** Counters of the kernel as a whole. */
import type { Collector } from '#metrics/collector.ts';
import type { CollectorContext } from './collector-context.ts';
import { createCollector, family } from './collector-context.ts';
import type { KernelStat } from './kernel-stat.ts';

export function createStatCollector({ table }: CollectorContext, stat: KernelStat): Collector {
  const alone = (name: string, kind: 'counter' | 'gauge', help: string) =>
    table.family(family(name, kind, help)).series();
  const interrupts = alone('node_intr_total', 'counter', 'Interrupts serviced since boot.');
  const switches = alone(
    'node_context_switches_total',
    'counter',
    'Switches from one task to another since boot.',
  );
  const bootTime = alone('node_boot_time_seconds', 'gauge', 'When the host booted, Unix time.');
  const forks = alone('node_forks_total', 'counter', 'Processes and threads made since boot.');
  const running = alone('node_procs_running', 'gauge', 'Tasks that run or could run.');
  const blocked = alone('node_procs_blocked', 'gauge', 'Tasks that wait for a disk or the like.');
  return createCollector({
    name: 'stat',
    files: [stat],
    collect(tick) {
      stat.read(tick);
      interrupts.set(stat.interrupts);
      switches.set(stat.contextSwitches);
      bootTime.set(stat.bootTime);
      forks.set(stat.forks);
      running.set(stat.running);
      blocked.set(stat.blocked);
    },
  });
}
