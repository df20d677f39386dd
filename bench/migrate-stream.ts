/**
 * A disk as a lease of vSphere streams it, made a qcow2 image that was checked, beside what it
 * takes by hand: curl to a file, `qemu-img convert`, and `sha256sum` of the image. The server is
 * a process of its own and the same for both: a small one, since the double of vSphere in test/
 * has more to do.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB } from '#kernel/units.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { openChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { writeStreamedDisk } from './mixed-disk.ts';
import { comparePrograms } from './program-pairs.ts';
import { runProgram, type ProgramRun } from './program-run.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const AGAINST = 'curl, qemu-img convert -t writeback, sha256sum';

export const migrateStream: Benchmark = {
  name: 'migrate-stream',
  summary: 'a disk from https to a checked qcow2, against curl, qemu-img and sha256sum',
  async *run(options) {
    yield* measure(options);
  },
};

async function* measure(options: BenchmarkOptions): AsyncGenerator<Comparison> {
  const { isQuick, progress } = options;
  await using scratch = await openScratchDirectory();
  const source = join(scratch.path, 'disk.vmdk');
  const sizeMib = isQuick ? 256 : 1024;
  progress(`making a disk of ${sizeMib} MiB`);
  await writeStreamedDisk(source, sizeMib);
  const { ca, server } = createTestCertificates();
  const pem = join(scratch.path, 'server.pem');
  await writeFile(pem, server.key + server.cert, { mode: 0o600 });
  const authority = join(scratch.path, 'ca.pem');
  await writeFile(authority, ca.cert);
  await using served = await openChildServer({
    script: 'bench/serve-disk.ts',
    args: [source, pem],
  });
  const url = `${served.url}/disk.vmdk`;
  const image = join(scratch.path, 'disk.qcow2');
  const trust = { ca: ca.cert, thumbprint: undefined, isInsecure: false };
  const request = join(scratch.path, 'request.json');
  await writeFile(
    request,
    JSON.stringify({
      feed: { kind: 'stream', place: { url, headers: {}, trust } },
      ...{ path: image, format: 'qcow2', isCompressed: false, capacityBytes: sizeMib * MIB },
      ...{ owner: 'bench', isResumable: false },
    }),
  );
  const ours = () =>
    runAll([image], [[process.execPath, join('bench', 'migrate-disk.ts'), request]]);
  const fetched = join(scratch.path, 'fetched.vmdk');
  const peer = () =>
    runAll(
      [fetched, image],
      [
        ['curl', '--silent', '--show-error', '--fail', '--cacert', authority, '-o', fetched, url],
        ...[
          ['qemu-img', 'convert', '-t', 'writeback', '-f', 'vmdk', '-O', 'qcow2', fetched, image],
        ],
        ['sha256sum', image],
      ],
    );
  await ours();
  await runProgram('qemu-img', ['compare', '-q', '-f', 'vmdk', '-F', 'qcow2', source, image]);
  yield* comparePrograms(
    { bench: 'migrate-stream', against: AGAINST, atMost: 0.5, belowMb: 200, ours, peer },
    options,
  );
}

/** One after the other, into files that are new: the time of all, and the memory of the largest. */
async function runAll(
  files: readonly string[],
  commands: readonly (readonly string[])[],
): Promise<ProgramRun> {
  for (const file of files) await rm(file, { force: true });
  let [ms, peakBytes] = [0, 0];
  for (const [program = '', ...args] of commands) {
    const run = await runProgram(program, args);
    ms += run.ms;
    peakBytes = Math.max(peakBytes, run.peakBytes);
  }
  return { ms, peakBytes };
}
