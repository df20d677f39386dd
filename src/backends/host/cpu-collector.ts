/** What the processors spend their time on. */
import type { Collector, Tick } from '#metrics/collector.ts';
import { counterDelta, toBasisPoints } from '#metrics/counter-delta.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { CollectorContext } from './collector-context.ts';
import { createCollector, family } from './collector-context.ts';
import { CPU_MODES, type CpuTimes, IDLE, IOWAIT, type KernelStat } from './kernel-stat.ts';
import { CpuThrottles } from './cpu-throttles.ts';
import { listIsolatedCpus } from './isolated-cpus.ts';

const SECONDS = family(
  'node_cpu_seconds_total',
  'counter',
  'Time the processor spent in each mode, in seconds.',
  2,
);
const GUEST_SECONDS = family(
  'node_cpu_guest_seconds_total',
  'counter',
  'Time the processor ran guests, in seconds; also counted in the mode of the same name.',
  2,
);
const ISOLATED = family(
  'node_cpu_isolated',
  'gauge',
  'Present for each processor that the scheduler was told to leave alone.',
);
const USAGE = family(
  'drover_cpu_usage_percent',
  'gauge',
  'Share of the time, since the sample before, in which processors were busy; 100 is all of them.',
  2,
);
const CORE_USAGE = family(
  'drover_cpu_core_usage_percent',
  'gauge',
  'Share of the time, since the sample before, in which this processor was busy.',
  2,
);

export interface CpuCollectorOptions {
  readonly stat: KernelStat;
  /** Whether the usage of each processor is told as well. */
  readonly perCore: boolean;
}

export function createCpuCollector(
  context: CollectorContext,
  { stat, perCore }: CpuCollectorOptions,
): Collector {
  const { table, sysRoot } = context;
  const cores = new WeakMap<CpuTimes, Core>();
  const all = new CpuUsage();
  const usage = table.family(USAGE).series();
  const throttles = new CpuThrottles(context);
  let isolated: readonly LiveSeries[] | undefined;
  const createCore = (cpu: string): Core => ({
    modes: CPU_MODES.map((mode) => table.family(SECONDS).series({ cpu, mode })),
    guest: ['user', 'nice'].map((mode) => table.family(GUEST_SECONDS).series({ cpu, mode })),
    usage: perCore ? table.family(CORE_USAGE).series({ cpu }) : undefined,
    used: new CpuUsage(),
  });
  return createCollector({
    name: 'cpu',
    files: [stat, throttles],
    collect(tick) {
      stat.read(tick);
      for (const times of stat.cpus.rows()) {
        if (!times.isKnown) continue;
        let core = cores.get(times);
        if (core === undefined) cores.set(times, (core = createCore(times.name)));
        setCore(core, times, tick);
      }
      const used = stat.all.isKnown ? all.update(stat.all, tick) : undefined;
      if (used !== undefined) usage.set(used);
      tick.readings.cpuUsageBps = used;
      throttles.collect(tick, stat.cpus.changes);
      isolated ??= listIsolatedCpus(sysRoot).map((cpu) => table.family(ISOLATED).series({ cpu }));
      for (const series of isolated) series.set(1);
    },
  });
}

interface Core {
  readonly modes: readonly LiveSeries[];
  readonly guest: readonly LiveSeries[];
  readonly usage: LiveSeries | undefined;
  readonly used: CpuUsage;
}

function setCore(core: Core, times: CpuTimes, tick: Tick): void {
  const { values } = times;
  for (let mode = 0; mode < core.modes.length; mode += 1) {
    core.modes[mode]?.set(values[mode] ?? NaN);
  }
  for (let mode = 0; mode < core.guest.length; mode += 1) {
    core.guest[mode]?.set(values[core.modes.length + mode] ?? NaN);
  }
  if (core.usage === undefined) return;
  const used = core.used.update(times, tick);
  if (used !== undefined) core.usage.set(used);
}

/** The share of busy time between two samples. */
class CpuUsage {
  #total: number | undefined;
  #idle = 0;
  #atMs = 0;

  update({ values }: CpuTimes, tick: Tick): number | undefined {
    let total = 0;
    for (let mode = 0; mode < CPU_MODES.length; mode += 1) total += values[mode] ?? 0;
    // Waiting for a disk is idling with a reason.
    const idle = (values[IDLE] ?? 0) + (values[IOWAIT] ?? 0);
    const elapsedMs = tick.monotonicMs - this.#atMs;
    const passed = counterDelta(this.#total, total, elapsedMs);
    const idled = counterDelta(this.#idle, idle, elapsedMs);
    this.#total = total;
    this.#idle = idle;
    this.#atMs = tick.monotonicMs;
    if (passed === undefined || idled === undefined) return undefined;
    return toBasisPoints(passed - idled, passed);
  }
}
