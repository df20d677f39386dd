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
import { comparePrograms } from './program-pairs.ts';
import { runProgram, type ProgramRun } from './program-run.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const run = promisify(execFile);

export const diskConvert: Benchmark = {
  name: 'disk-convert',
  summary: 'stream-optimized VMDK to qcow2, time and memory, against qemu-img convert',
  async *run(options) {
    yield* measure(options);
  },
};

async function* measure(options: BenchmarkOptions): AsyncGenerator<Comparison> {
  const { isQuick, progress } = options;
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
  const against = 'qemu-img convert -t writeback';
  yield* comparePrograms(
    { bench: 'disk-convert', against, atMost: 0.6, belowMb: 200, ours, peer },
    options,
  );
}

async function convert(to: string, program: string, args: readonly string[]): Promise<ProgramRun> {
  await rm(to, { force: true });
  return await runProgram(program, args);
}
