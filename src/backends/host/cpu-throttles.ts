/** How often processors were slowed down because they grew too hot. */
import type { Tick } from '#metrics/collector.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, family, SeldomTurn } from './collector-context.ts';
import { RotatingReads, type RotatingValue } from './rotating-reads.ts';
import { listSysfsDir, readSysfsInteger } from './sysfs-file.ts';

const CORE = family(
  'node_cpu_core_throttles_total',
  'counter',
  'How often this core was slowed down for its heat.',
);
const PACKAGE = family(
  'node_cpu_package_throttles_total',
  'counter',
  'How often this processor package was slowed down for its heat.',
);

interface Throttle extends RotatingValue {
  readonly series: LiveSeries;
}

export class CpuThrottles implements Disposable {
  readonly #context: CollectorContext;
  readonly #turn = new SeldomTurn();
  readonly #reads = new RotatingReads();
  readonly #throttles = new Map<string, Throttle>();
  #changes = -1;

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  /** `cpuChanges` tells when processors came or went. */
  collect(tick: Tick, cpuChanges: number): void {
    if (cpuChanges !== this.#changes) {
      this.#changes = cpuChanges;
      this.#turn.hasten();
    }
    if (this.#turn.isDue(tick)) this.#discover(tick.monotonicMs);
    this.#reads.read(tick.monotonicMs);
    for (const { series, value } of this.#throttles.values()) series.set(value);
  }

  [Symbol.dispose](): void {
    for (const { file } of this.#throttles.values()) file[Symbol.dispose]();
    this.#throttles.clear();
  }

  #discover(nowMs: number): void {
    const root = `${this.#context.sysRoot}/devices/system/cpu`;
    const found = new Set<string>();
    const seen = new Set<string>();
    for (const cpu of listSysfsDir(root).filter((name) => /^cpu\d+$/.test(name))) {
      const packageId = readSysfsInteger(`${root}/${cpu}/topology/physical_package_id`);
      const core = readSysfsInteger(`${root}/${cpu}/topology/core_id`);
      if (packageId === undefined || core === undefined) continue;
      const labels = { package: String(packageId), core: String(core) };
      for (const kind of ['core', 'package'] as const) {
        // All threads of a core and all cores of a package count the same events.
        const key = kind === 'core' ? `${packageId}/${core}` : String(packageId);
        const path = `${root}/${cpu}/thermal_throttle/${kind}_throttle_count`;
        if (seen.has(key) || readSysfsInteger(path) === undefined) continue;
        seen.add(key);
        found.add(path);
        if (!this.#throttles.has(path)) this.#add(path, kind, labels);
      }
    }
    for (const [path, { file }] of this.#throttles) {
      if (found.has(path)) continue;
      file[Symbol.dispose]();
      this.#throttles.delete(path);
    }
    this.#reads.replace([...this.#throttles.values()], nowMs);
  }

  #add(path: string, kind: 'core' | 'package', labels: { package: string; core: string }): void {
    const { table, reader } = this.#context;
    const series =
      kind === 'core'
        ? table.family(CORE).series(labels)
        : table.family(PACKAGE).series({ package: labels.package });
    this.#throttles.set(path, { file: reader.open(path), value: NaN, series });
  }
}
