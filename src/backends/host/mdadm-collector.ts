/** Arrays of disks that the kernel runs (software RAID). */
import type { Collector } from '#metrics/collector.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';

const DISKS = family('node_md_disks', 'gauge', 'Disks of the array that are in this state.');
const REQUIRED = family('node_md_disks_required', 'gauge', 'Disks the array is to have.');
const BLOCKS = family('node_md_blocks', 'gauge', 'Blocks of 1 KiB in the array.');
const SYNCED = family(
  'node_md_blocks_synced',
  'gauge',
  'Blocks done in the current check, resync or recovery; all of them when there is none.',
);
const STATE = family('node_md_state', 'gauge', '1 for the state the array is in, 0 for others.');
const STATES = ['active', 'inactive', 'recovering', 'resync', 'check'] as const;
type ArrayState = (typeof STATES)[number];

export interface DiskArray {
  readonly device: string;
  readonly state: ArrayState;
  readonly active: number;
  readonly failed: number;
  readonly spare: number;
  readonly required: number;
  readonly blocks: number;
  readonly blocksSynced: number;
}

export function createMdadmCollector({ table, reader, procRoot }: CollectorContext): Collector {
  const file = reader.open(`${procRoot}/mdstat`);
  let known: readonly (readonly [LiveSeries, number])[] = [];
  let last = Buffer.alloc(0);
  return createCollector({
    name: 'mdadm',
    files: [file],
    collect(tick) {
      const scanner = file.scan(tick.monotonicMs);
      // Absent where the driver is.
      if (scanner === undefined) return;
      if (!scanner.matches(0, scanner.end, last)) {
        last = Buffer.from(scanner.bytes.subarray(0, scanner.end));
        known = parseMdstat(last.toString('utf8')).flatMap((array) => toSeries(table, array));
      }
      for (const [series, sample] of known) series.set(sample);
    },
  });
}

function toSeries(
  table: SampleTable,
  array: DiskArray,
): readonly (readonly [LiveSeries, number])[] {
  const { device } = array;
  return [
    ...(['active', 'failed', 'spare'] as const).map(
      (state) => [table.family(DISKS).series({ device, state }), array[state]] as const,
    ),
    ...STATES.map(
      (state) =>
        [table.family(STATE).series({ device, state }), array.state === state ? 1 : 0] as const,
    ),
    [table.family(REQUIRED).series({ device }), array.required],
    [table.family(BLOCKS).series({ device }), array.blocks],
    [table.family(SYNCED).series({ device }), array.blocksSynced],
  ];
}

/**
 *     md3 : active raid6 sda1[8] sdh1[7] sdf1[0](F) sdg1[1](S)
 *           5853468288 blocks super 1.2 level 6, 64k chunk, algorithm 2 [8/7] [UUUUUUU_]
 *           [=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec
 *
 * What is malformed is left out.
 */
export function parseMdstat(text: string): readonly DiskArray[] {
  const arrays: DiskArray[] = [];
  for (const section of text.split(/\n(?=\S)/)) {
    const [, device, activity = '', members = ''] =
      /^(md\S*) : (active|inactive)(.*)$/m.exec(section) ?? [];
    const blocks = Number(/^\s+(\d+) blocks/m.exec(section)?.[1] ?? NaN);
    if (device === undefined || Number.isNaN(blocks)) continue;
    const count = (mark: string) => members.split(mark).length - 1;
    const told = /blocks .*\[(\d+)\/(\d+)\]/.exec(section);
    // An array without redundancy does not tell: it has all its disks, or does not run.
    const all = activity === 'active' ? count('[') : 0;
    arrays.push({
      device,
      ...readProgress(section, activity === 'active' ? 'active' : 'inactive', blocks),
      active: told === null ? all : Number(told[2]),
      required: told === null ? all : Number(told[1]),
      failed: count('(F)'),
      spare: count('(S)'),
      blocks,
    });
  }
  return arrays;
}

function readProgress(
  section: string,
  otherwise: ArrayState,
  blocks: number,
): Pick<DiskArray, 'state' | 'blocksSynced'> {
  const [, word, rest = ''] = /^\s.*\b(recovery|resync|check)\s*=(.*)$/m.exec(section) ?? [];
  if (word === undefined) return { state: otherwise, blocksSynced: blocks };
  const state = word === 'recovery' ? 'recovering' : word === 'resync' ? 'resync' : 'check';
  // `PENDING` and `DELAYED` come without numbers.
  return { state, blocksSynced: Number(/\((\d+)\/\d+\)/.exec(rest)?.[1] ?? 0) };
}
