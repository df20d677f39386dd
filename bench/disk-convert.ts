/**
 * A stream-optimized VMDK made a qcow2 image, beside `qemu-img convert` of the same file. Both
 * start as new processes, write a file that is new, and end when it is on the disk.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { writeStreamedDisk } from './mixed-disk.ts';
import { measurePairs, type Pair } from './pair.ts';
import { runProgram, type ProgramRun } from './program-run.ts';
import { openScratchDirectory } from './scratch-directory.ts';
import { median } from './statistics.ts';

const run = promisify(execFile);

export const diskConvert: Benchmark = {
  name: 'disk-convert',
  summary: 'stream-optimized VMDK to qcow2, time and memory, against qemu-img convert',
  async *run(options) {
    yield* measure(options);
  },
};

async function* measure({ isQuick, progress }: BenchmarkOptions): AsyncGenerator<Comparison> {
  await using scratch = await openScratchDirectory();
  const from = join(scratch.path, 'disk.vmdk');
  const to = join(scratch.path, 'disk.qcow2');
  const sizeMib = isQuick ? 256 : 1024;
  progress(`making a disk of ${sizeMib} MiB`);
  await writeStreamedDisk(from, sizeMib);
  const ours = () => convert(to, process.execPath, [join('bench', 'convert-disk.ts'), from, to]);
  // Its default would leave the file in memory when it ends.
  const peer = () =>
    convert(to, 'qemu-img', [
      ...['convert', '-t', 'writeback', '-f', 'vmdk', '-O', 'qcow2'],
      ...[from, to],
    ]);
  await ours();
  await run('qemu-img', ['check', '-q', to]);
  const peaks: Pair[] = [];
  const { ratio, runs, ...times } = await measurePairs(
    {
      ...{ runs: isQuick ? 3 : 9, warmups: 1 },
      onPair: (pair) => progress(`${Math.round(pair.ours)} ms, ${Math.round(pair.peer)} ms`),
    },
    async (isOursFirst) => {
      const first = isOursFirst ? await ours() : undefined;
      const theirs = await peer();
      const own = first ?? (await ours());
      peaks.push({ ours: own.peakBytes / 1e6, peer: theirs.peakBytes / 1e6 });
      return { ours: own.ms, peer: theirs.ms };
    },
  );
  const against = 'qemu-img convert -t writeback';
  const time = { bench: 'disk-convert/wall', ...times, ratio, unit: 'ms', runs, against };
  yield { ...time, goal: { of: 'ratio', atMost: 0.6 } };
  const [own, theirs] = [peaks.map((peak) => peak.ours), peaks.map((peak) => peak.peer)];
  yield {
    ...{ bench: 'disk-convert/memory', ours: median(own), peer: median(theirs), unit: 'MB' },
    ...{ ratio: median(own) / median(theirs), runs: peaks.length, against },
    goal: { of: 'ours', below: 200 },
  };
}

async function convert(to: string, program: string, args: readonly string[]): Promise<ProgramRun> {
  await rm(to, { force: true });
  return await runProgram(program, args);
}
