/**
 * How much of a disk comes a second time when its copy is killed half way: bytes that the
 * datastore of the double of vSphere sent beyond the size of the disk, over both runs. The peer
 * is curl, killed at the same place and told to go on: it knows to the byte what it has, and not
 * whether it is right.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VSphereSourceOpener } from '#backends/vsphere/vsphere-source-opener.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MIB } from '#kernel/units.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';
import type { DiskFeed } from '#transfers/disk-feed.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { writeMixedDisk } from './mixed-disk.ts';
import { measureInTurn } from './pair.ts';
import { runProgram, startProgram } from './program-run.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const VM = 'db';
const LOOK_MS = 1;

export const migrateResume: Benchmark = {
  name: 'migrate-resume',
  summary: 'what comes again of a disk whose copy was killed half way, against curl',
  async *run(options) {
    yield* measure(options);
  },
};

async function* measure({ isQuick, progress }: BenchmarkOptions): AsyncGenerator<Comparison> {
  await using scratch = await openScratchDirectory();
  const disk = join(scratch.path, 'disk.raw');
  const capacityBytes = (isQuick ? 512 : 1024) * MIB;
  await writeMixedDisk(disk, capacityBytes / MIB);
  await using vsphere = await openVSphere({ vms: [{ name: VM, disks: [{ path: disk }] }] });
  await using opener = new VSphereSourceOpener({ clock: systemClock, log: silentLog });
  const { signal } = new AbortController();
  await using source = await opener.open(vsphere.login, signal);
  const vm = await source.findVm(VM, signal);
  await using opened = await source.openExport(vm, 'datastore', signal);
  const feed = opened.disks[0]?.feed;
  if (feed?.kind !== 'ranges') throw new Error('the datastore gives no ranges');

  const image = join(scratch.path, 'disk.qcow2');
  const request = join(scratch.path, 'request.json');
  const copy = { path: image, format: 'qcow2', isCompressed: false, capacityBytes };
  const content = JSON.stringify({ feed, ...copy, owner: 'bench', isResumable: true });
  await writeFile(request, content, { mode: 0o600 });
  const fetched = join(scratch.path, 'fetched.raw');
  const config = join(scratch.path, 'curl');
  const authority = join(scratch.path, 'ca.pem');
  await writeFile(authority, vsphere.ca);
  await writeFile(config, curlConfig(feed, authority, fetched), { mode: 0o600 });
  const sentTwice = async (file: string, program: string, args: readonly string[]) => {
    await rm(file, { force: true });
    const sent = await killHalfWay(vsphere, capacityBytes, [program, args]);
    return (100 * (sent - capacityBytes)) / capacityBytes;
  };
  const paired = await measureInTurn(
    {
      ...{ runs: isQuick ? 3 : 9, warmups: 0 },
      onPair: ({ ours, peer }) => progress(`${ours.toFixed(2)} %, ${peer.toFixed(2)} %`),
    },
    {
      ours: () => sentTwice(image, process.execPath, [join('bench', 'migrate-disk.ts'), request]),
      peer: () => sentTwice(fetched, 'curl', ['--config', config]),
    },
  );
  await runProgram('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'qcow2', disk, image]);
  await runProgram('cmp', [disk, fetched]);
  const against = 'curl --continue-at -';
  const goal = { of: 'ours', below: 1 } as const;
  yield { bench: 'migrate-resume/sent-twice', ...paired, unit: '% of the disk', against, goal };
}

/** Runs it until half of the disk was sent, and again until it ends: the bytes sent in all. */
async function killHalfWay(
  vsphere: VSphereFixture,
  capacityBytes: number,
  [program, args]: readonly [string, readonly string[]],
): Promise<number> {
  const before = vsphere.served();
  {
    using running = startProgram(program, args);
    using _look = systemClock.every(LOOK_MS, () => {
      if (vsphere.served() - before >= capacityBytes / 2) running.kill();
    });
    const how = await running.ended;
    if (how !== 'SIGKILL') throw new Error(`${program} ended with ${how} before it was killed`);
  }
  await runProgram(program, args);
  return vsphere.served() - before;
}

type Ranges = DiskFeed & { readonly kind: 'ranges' };

function curlConfig({ place }: Ranges, authority: string, output: string): string {
  const headers = Object.entries(place.headers).map(([name, value]) => `${name}: ${value}`);
  const settings = [
    ...[
      ['url', place.url],
      ['output', output],
      ['continue-at', '-'],
      ['cacert', authority],
    ],
    ...headers.map((header) => ['header', header]),
  ];
  const lines = settings.map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return ['silent', 'show-error', 'fail', ...lines, ''].join('\n');
}
