import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createExtraHostCollectors } from '#backends/host/create-extra-host-collectors.ts';
import type { ExtraCollectorName } from '#backends/host/create-extra-host-collectors.ts';
import { DEFAULT_MOUNT_FILTER } from '#backends/host/filesystem-mounts.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { collectSamples } from '#test/collected-samples.ts';
import type { ExposedFamily } from '#test/exposition.ts';
import { openNodeExporter } from '#test/node-exporter.ts';
import { openSensorTree } from '#test/sensor-tree.ts';

/** Sizes and counts change between the two readings; on a quiet disk by far less than this. */
const TOLERANCE = 0.02;
const MAY_CHANGE = /^node_filesystem_(free_bytes|avail_bytes|files_free)/;

async function measure(name: ExtraCollectorName, sysRoot: string): Promise<SampleTable> {
  const table = new SampleTable();
  const collectors = createExtraHostCollectors({
    ...{ table, sysRoot, procRoot: '/proc', clock: systemClock, log: silentLog },
    enabled: (one) => one === name,
  });
  for (const collector of collectors) {
    await collectSamples(collector, table, systemClock);
    await collector[Symbol.asyncDispose]?.();
  }
  return table;
}

/** Of a family: every series and value there, and no other. */
function assertSame(table: SampleTable, theirs: ReadonlyMap<string, ExposedFamily>): void {
  const ours = [...table.families()].filter(
    ({ family, members }) => family.name.startsWith('node_') && members.size > 0,
  );
  assert.deepEqual(ours.map(({ family }) => family.name).toSorted(), [...theirs.keys()].toSorted());
  for (const { family, members } of ours) {
    const { kind, help, samples } = theirs.get(family.name) ?? assert.fail(family.name);
    assert.equal(family.kind, kind, family.name);
    assert.equal(family.help, help, family.name);
    const found = new Map([...members.values()].map(({ key, value }) => [key, value]));
    const present = [...found].filter(([, value]) => !Number.isNaN(value)).map(([key]) => key);
    assert.deepEqual(present.toSorted(), [...samples.keys()].toSorted());
    for (const [key, expected] of samples) {
      const actual = (found.get(key) ?? NaN) / 10 ** family.scale;
      const allowed = MAY_CHANGE.test(key) ? Math.abs(expected) * TOLERANCE : 0;
      assert.ok(Math.abs(actual - expected) <= allowed, `${key}: ${actual}, not ${expected}`);
    }
  }
}

async function scrapeOnly(
  collector: string,
  args: readonly string[],
): Promise<ReadonlyMap<string, ExposedFamily>> {
  const only = ['--collector.disable-defaults', `--collector.${collector}`];
  await using exporter = await openNodeExporter([...only, ...args]);
  const families = await exporter.scrape();
  return new Map(
    [...families].filter(([name]) =>
      /^node_(filesystem|hwmon|thermal|cooling|rapl|power)/.test(name),
    ),
  );
}

describe('beside the real node_exporter, the same names, types, help, labels and values', () => {
  it('has the filesystem collector, with the filters node_exporter has by itself', async () => {
    // Debian's build leaves out /mnt, /media and /run as well, where data often is.
    const { source } = DEFAULT_MOUNT_FILTER.mountPointsExclude;
    const option = `--collector.filesystem.mount-points-exclude=${source}`;
    const theirs = await scrapeOnly('filesystem', [option]);
    assert.ok(theirs.size >= 7);
    assertSame(await measure('filesystem', '/sys'), theirs);
  });

  for (const name of ['hwmon', 'thermal_zone', 'rapl', 'powersupplyclass'] as const) {
    it(`has the ${name} collector, over one and the same made-up sysfs`, async () => {
      using tree = openSensorTree();
      const theirs = await scrapeOnly(name, [`--path.sysfs=${tree.root}`]);
      assert.ok([...theirs.values()].some(({ samples }) => samples.size > 0));
      assertSame(await measure(name, tree.root), theirs);
    });
  }
});
