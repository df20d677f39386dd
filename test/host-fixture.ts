/** A host made of files, a clock that stands still, and the collectors that read it. */
import { FakeClock } from '#kernel/fake-clock.ts';
import type { Collector } from '#metrics/collector.ts';
import type { HostReadings } from '#metrics/host-readings.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { createHostCollectors } from '#backends/host/create-host-collectors.ts';
import type { HostCollectorName } from '#backends/host/create-host-collectors.ts';
import { presentValues } from './collected-samples.ts';
import { type FileTree, openFileTree } from './file-tree.ts';

export interface HostFixtureOptions {
  readonly collectors: readonly HostCollectorName[];
  /** Paths below the root: `proc/stat`, `sys/class/net/eth0/mtu`, `etc/os-release`. */
  readonly files: Readonly<Record<string, string>>;
  readonly perCore?: boolean;
}

export class HostFixture implements AsyncDisposable {
  readonly tree: FileTree;
  readonly clock = new FakeClock();
  readonly table = new SampleTable();
  readonly collectors: readonly Collector[];

  constructor({ collectors, files, perCore = false }: HostFixtureOptions) {
    this.tree = openFileTree(files);
    const { root } = this.tree;
    this.collectors = createHostCollectors({
      table: this.table,
      clock: this.clock,
      procRoot: `${root}/proc`,
      sysRoot: `${root}/sys`,
      fileRoot: root,
      enabled: (name) => collectors.includes(name),
      perCore,
    });
  }

  /** One tick of all collectors, `afterMs` after the one before. What one throws, this throws. */
  async tick(afterMs = 1000): Promise<HostReadings> {
    await this.clock.advance(afterMs);
    const readings: HostReadings = {};
    const tick = {
      atMs: this.clock.nowMs(),
      monotonicMs: this.clock.monotonicMs(),
      intervalMs: 1000,
      signal: new AbortController().signal,
      readings,
    };
    try {
      for (const collector of this.collectors) await collector.collect(tick);
    } finally {
      this.table.endTick();
    }
    return readings;
  }

  /** Of `name{a="1"}`, the labels in the order of their names; undefined when it is absent. */
  value(key: string): number | undefined {
    return presentValues(this.table)[key];
  }

  /** Those that are present and whose keys begin so. */
  values(prefix = ''): Record<string, number> {
    const entries = Object.entries(presentValues(this.table));
    return Object.fromEntries(entries.filter(([key]) => key.startsWith(prefix)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const collector of this.collectors) await collector[Symbol.asyncDispose]?.();
    this.tree[Symbol.dispose]();
  }
}
