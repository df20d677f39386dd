import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExtraHostCollectors } from '#backends/host/create-extra-host-collectors.ts';
import { createHostCollectors } from '#backends/host/create-host-collectors.ts';
import { DEFAULT_MOUNT_FILTER } from '#backends/host/filesystem-mounts.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import type { Collector } from '#metrics/collector.ts';
import { createLabels, seriesKey } from '#metrics/labels.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { presentValues } from '#test/collected-samples.ts';
import type { ExposedFamily } from '#test/exposition.ts';
import { openFileTree } from '#test/file-tree.ts';
import { openNodeExporter, type TestNodeExporter } from '#test/node-exporter.ts';
import { HOST_TREE } from '#test/host-tree.ts';

/** What node_exporter measures and we do not, each with its reason. */
const LEFT_OUT: readonly (readonly [RegExp, string])[] = [
  [/^(go|process|promhttp)_/, 'about node_exporter itself'],
  [/^node_exporter_build_info$/, 'about node_exporter itself'],
  [/^node_scrape_collector_/, 'the same names, of other collectors: the sampler sets them'],
  [/^node_textfile_/, 'files that other programs write are read by nobody here'],
  [/^node_timex_/, 'only the system call adjtimex tells, and Node cannot make it'],
  [/^node_(bcache|btrfs|zfs|xfs)_/, 'counters inside one kind of filesystem'],
  [/^node_(nfs|nfsd|ipvs|drbd|infiniband|fibrechannel|tape)_/, 'servers of one special kind'],
  [/^node_systemd_/, 'needs D-Bus, and is only about units'],
];

/** By how much one of ours may lie outside of what two scrapes saw. */
interface Slack {
  readonly of: RegExp;
  /** Of the larger of the two. */
  readonly share?: number;
  readonly most: number;
}

/** Ours are whole numbers of microseconds, theirs of nanoseconds. */
const ROUNDED: Slack = { of: /^node_schedstat_/, most: 1e-6 };
const UNSTEADY: readonly Slack[] = [
  ROUNDED,
  { of: /^node_memory_/, share: 0.1, most: 256 * 1024 * 1024 },
  { of: /^node_filesystem_/, share: 0.02, most: 64 * 1024 * 1024 },
  { of: /^node_procs_/, most: 100 },
  { of: /^node_sockstat_/, share: 0.1, most: 1024 * 1024 },
  { of: /^node_(nf_conntrack_entries|filefd_allocated|entropy)/, share: 0.2, most: 2000 },
  { of: /^node_(disk_io_now|udp_queues|cpu_.*hertz)/, share: 1, most: 1000 },
  { of: /^node_load/, share: 0.2, most: 5 },
  // The kernel's own counters of idle time step back a little now and then.
  { of: /^node_cpu_seconds_total/, most: 0.1 },
];

const ELSEWHERE = ['uname', 'time', 'os', 'filesystem', 'selinux'];

type Families = ReadonlyMap<string, ExposedFamily>;

/** `name{a="1"}` with the labels in order and the empty ones left out, as ours have them. */
function normalKey(key: string): string {
  const [name = '', text = ''] = key.split(/\{(.*)\}$/s);
  const labels = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return seriesKey(
    name,
    createLabels(labels.map(([, label = '', value = '']) => [label, unescape(value)])),
  );
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

function toSamples(families: Families): Map<string, number> {
  const samples = new Map<string, number>();
  for (const [name, family] of families) {
    if (LEFT_OUT.some(([pattern]) => pattern.test(name))) continue;
    for (const [key, value] of family.samples) samples.set(normalKey(key), value);
  }
  return samples;
}

function nodeSamples(table: SampleTable): Map<string, number> {
  const entries = Object.entries(presentValues(table));
  return new Map(entries.filter(([key]) => key.startsWith('node_')));
}

function compareKinds(table: SampleTable, theirs: Families): string[] {
  return [...nodeSamples(table).keys()].flatMap((key) => {
    const name = key.replace(/\{.*$/s, '');
    const ours = table.find(name)?.family.kind;
    const kind = theirs.get(name)?.kind;
    return kind === undefined || kind === ours ? [] : [`${name} is ${kind} there and ${ours} here`];
  });
}

interface Scrapes {
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
}

/** Two of their scrapes with ours in between: what both have, we have; ours, one of them has. */
function compareSamples(
  table: SampleTable,
  { before, after }: Scrapes,
  slacks: readonly Slack[],
): string[] {
  const ours = nodeSamples(table);
  const problems: string[] = [];
  for (const key of before.keys()) {
    if (after.has(key) && !ours.has(key)) problems.push(`${key} is missing here`);
  }
  for (const [key, value] of ours) {
    const first = before.get(key) ?? after.get(key);
    const last = after.get(key) ?? before.get(key);
    if (first === undefined || last === undefined) {
      problems.push(`${key} is not there`);
      continue;
    }
    const { share = 0, most = 0 } = slacks.find(({ of }) => of.test(key)) ?? {};
    // A double that went through two roundings may differ in its last place.
    const rounding = 1e-12 * Math.abs(value);
    const slack = Math.max(share * Math.max(Math.abs(first), Math.abs(last)), most) + rounding;
    if (value >= Math.min(first, last) - slack && value <= Math.max(first, last) + slack) continue;
    problems.push(`${key} is ${value} here, and ${first} to ${last} there`);
  }
  return problems;
}

interface Roots {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly fileRoot: string;
}

function createEverything(table: SampleTable, roots: Roots, skipped: readonly string[] = []) {
  const options = { table, clock: systemClock, log: silentLog, ...roots };
  const enabled = (name: string) => !skipped.includes(name);
  const collectors: readonly Collector[] = [
    ...createHostCollectors({ ...options, enabled }),
    ...createExtraHostCollectors({ ...options, enabled }),
  ];
  return {
    async tick() {
      const tick = {
        atMs: systemClock.nowMs(),
        monotonicMs: systemClock.monotonicMs(),
        intervalMs: 1000,
        signal: AbortSignal.timeout(10_000),
        readings: {},
      };
      for (const collector of collectors) await collector.collect(tick);
      table.endTick();
    },
    async [Symbol.asyncDispose]() {
      for (const collector of collectors) await collector[Symbol.asyncDispose]?.();
    },
  };
}

/** An interface that comes or goes meanwhile is seen by one side only: then once more. */
async function compareOnce(exporter: TestNodeExporter): Promise<string[]> {
  const table = new SampleTable();
  const roots = { procRoot: '/proc', sysRoot: '/sys', fileRoot: '' };
  // It asks nvidia-smi, and nothing there corresponds to it.
  await using ours = createEverything(table, roots, ['gpu']);
  await ours.tick();
  const before = await exporter.scrape();
  await ours.tick();
  const after = await exporter.scrape();
  return [
    ...compareKinds(table, after),
    ...compareSamples(table, { before: toSamples(before), after: toSamples(after) }, UNSTEADY),
  ];
}

describe('beside the real node_exporter', () => {
  it('tells the same of this host: every name, type, label and value', async () => {
    const { mountPointsExclude } = DEFAULT_MOUNT_FILTER;
    await using exporter = await openNodeExporter([
      // Debian's build leaves out /mnt, /media and /run as well, where data often is.
      `--collector.filesystem.mount-points-exclude=${mountPointsExclude.source}`,
    ]);
    let problems = await compareOnce(exporter);
    for (let attempt = 0; attempt < 2 && problems.length > 0; attempt += 1) {
      problems = await compareOnce(exporter);
    }
    assert.deepEqual(problems, []);
    assert.ok(toSamples(await exporter.scrape()).size > 300);
  });

  it('tells exactly the same of one made-up host with hardware that this one lacks', async () => {
    using tree = openFileTree(HOST_TREE);
    const { root } = tree;
    await using exporter = await openNodeExporter([
      ...[`--path.procfs=${root}/proc`, `--path.sysfs=${root}/sys`],
      `--path.udev.data=${root}/run/udev/data`,
      // They would read elsewhere than in the tree.
      ...[`--no-collector.netdev.netlink`, ...ELSEWHERE.map((name) => `--no-collector.${name}`)],
    ]);
    const table = new SampleTable();
    const roots = { procRoot: `${root}/proc`, sysRoot: `${root}/sys`, fileRoot: root };
    await using ours = createEverything(table, roots, ['gpu', ...ELSEWHERE]);
    await ours.tick();
    const theirs = await exporter.scrape();
    const samples = toSamples(theirs);
    assert.deepEqual(compareKinds(table, theirs), []);
    const scrapes = { before: samples, after: samples };
    assert.deepEqual(compareSamples(table, scrapes, [ROUNDED]), []);
    assert.ok(samples.size > 200, `${samples.size} series`);
  });
});
