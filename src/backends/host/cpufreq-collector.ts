/**
 * How fast the processors are clocked. Some kernels take milliseconds to answer for each of them,
 * so a tick asks until its time for that is over and the next goes on from there; what was asked
 * earlier stands meanwhile.
 */
import type { Collector, Tick } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';
import type { ProcFile } from './proc-file.ts';
import { listSysfsDir, readSysfsInteger } from './sysfs-file.ts';

const HERTZ_PER_KILOHERTZ = 1000;
const MOST_MS = 3;
const CURRENT = {
  cpuinfo_cur_freq: family('node_cpu_frequency_hertz', 'gauge', 'Clock as the processor tells.'),
  scaling_cur_freq: family('node_cpu_scaling_frequency_hertz', 'gauge', 'Clock as last set.'),
} as const;
const LIMITS = {
  cpuinfo_min_freq: family('node_cpu_frequency_min_hertz', 'gauge', 'Lowest clock it can run at.'),
  cpuinfo_max_freq: family('node_cpu_frequency_max_hertz', 'gauge', 'Highest clock it can run at.'),
  scaling_min_freq: family(
    'node_cpu_scaling_frequency_min_hertz',
    'gauge',
    'Lowest clock it is allowed.',
  ),
  scaling_max_freq: family(
    'node_cpu_scaling_frequency_max_hertz',
    'gauge',
    'Highest clock it is allowed.',
  ),
} as const;

interface Current {
  readonly file: ProcFile;
  readonly series: LiveSeries;
  hertz: number;
}

interface Limit {
  readonly series: LiveSeries;
  readonly hertz: number;
}

export function createCpufreqCollector(context: CollectorContext): Collector {
  const { table, reader, clock } = context;
  const root = `${context.sysRoot}/devices/system/cpu`;
  const turn = new SeldomTurn();
  const currents = new Map<string, Current>();
  let asked: readonly Current[] = [];
  let limits: readonly Limit[] = [];
  let next = 0;
  const discover = () => {
    const cpus = listSysfsDir(root)
      .filter((name) => /^cpu\d+$/.test(name) && listSysfsDir(`${root}/${name}/cpufreq`).length > 0)
      .map((name) => ({ cpu: name.slice(3), directory: `${root}/${name}/cpufreq` }));
    limits = cpus.flatMap(({ cpu, directory }) =>
      Object.entries(LIMITS).map(([file, declared]) => ({
        series: table.family(declared).series({ cpu }),
        hertz: (readSysfsInteger(`${directory}/${file}`) ?? NaN) * HERTZ_PER_KILOHERTZ,
      })),
    );
    const gone = new Set(currents.keys());
    for (const { cpu, directory } of cpus) {
      for (const [name, declared] of Object.entries(CURRENT)) {
        const path = `${directory}/${name}`;
        gone.delete(path);
        if (currents.has(path)) continue;
        const series = table.family(declared).series({ cpu });
        currents.set(path, { file: reader.open(path), series, hertz: NaN });
      }
    }
    for (const path of gone) {
      currents.get(path)?.file[Symbol.dispose]();
      currents.delete(path);
    }
    asked = [...currents.values()];
  };
  const ask = (tick: Tick) => {
    const startedMs = clock.monotonicMs();
    for (let count = 0; count < asked.length; count += 1) {
      next = (next + 1) % asked.length;
      const current = asked[next];
      if (current === undefined) continue;
      current.hertz = current.file.number(tick.monotonicMs) * HERTZ_PER_KILOHERTZ;
      if (clock.monotonicMs() - startedMs > MOST_MS) return;
    }
  };
  return createCollector({
    name: 'cpufreq',
    dispose: () => currents.forEach(({ file }) => file[Symbol.dispose]()),
    collect(tick) {
      if (turn.isDue(tick)) discover();
      ask(tick);
      for (const { series, hertz } of asked) series.set(hertz);
      for (const { series, hertz } of limits) series.set(hertz);
    },
  });
}
