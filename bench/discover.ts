/**
 * Lists 5,000 VMs of the double of vSphere, from starting a process to its end, beside the same
 * done with govmomi, the library that govc is made of. The double gives 500 objects a page to
 * whoever takes pages; govmomi's call of that version asks for all at once, and gets them.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openVSphere } from '#test/vsphere/open-vsphere.ts';
import { buildWithGovmomi } from '#test/vsphere/simulator-program.ts';
import { repositoryRoot } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { summarizePairs, type Pair } from './pair.ts';
import { runProgram, type ProgramRun } from './program-run.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const VMS = 5000;
const PAGE = 500;
const AGAINST = 'govmomi, from a program in Go';

export const discover: Benchmark = {
  name: 'discover',
  summary: 'listing 5,000 VMs: calls, time and memory, against govmomi',
  async *run(options) {
    yield* measure(options);
  },
};

interface Listing extends ProgramRun {
  readonly calls: number;
}

async function* measure({ isQuick, progress }: BenchmarkOptions): AsyncGenerator<Comparison> {
  await using scratch = await openScratchDirectory();
  const govmomi = await buildWithGovmomi(join(repositoryRoot, 'bench/govmomi/main.go'));
  const inventory = { vms: VMS, hosts: 20, folders: 5 };
  await using vsphere = await openVSphere({ inventory, mostObjectsPerPage: PAGE });
  const { username, password } = vsphere.login;
  const env = { SIMULATOR_USER: username, SIMULATOR_PASSWORD: password };
  const authority = join(scratch.path, 'ca.pem');
  await writeFile(authority, vsphere.ca);
  const list = async (program: string, args: readonly string[]): Promise<Listing> => {
    const before = vsphere.calls();
    const run = await runProgram(program, [...args, vsphere.url, authority], env);
    return { ...run, calls: vsphere.calls() - before };
  };
  const ours = () => list(process.execPath, [join('bench', 'list-vms.ts')]);
  const peer = () => list(govmomi, []);
  await ours();
  await peer();
  const listings: { readonly ours: Listing; readonly peer: Listing }[] = [];
  for (let run = 0; run < (isQuick ? 3 : 9); run += 1) {
    const first = run % 2 === 0 ? await ours() : undefined;
    const theirs = await peer();
    const own = first ?? (await ours());
    progress(`${Math.round(own.ms)} ms, ${Math.round(theirs.ms)} ms`);
    listings.push({ ours: own, peer: theirs });
  }
  const compare = (value: (listing: Listing) => number) =>
    summarizePairs(
      listings.map(({ ours: own, peer: theirs }): Pair => {
        return { ours: value(own), peer: value(theirs) };
      }),
    );
  const calls = compare((listing) => listing.calls);
  const goal = { of: 'ours', below: VMS / PAGE + 10 } as const;
  yield { bench: 'discover/calls', ...calls, unit: 'calls', against: AGAINST, goal };
  const time = compare((listing) => listing.ms);
  yield { bench: 'discover/wall', ...time, unit: 'ms', against: AGAINST };
  const memory = compare((listing) => listing.peakBytes / 1e6);
  yield { bench: 'discover/memory', ...memory, unit: 'MB', against: AGAINST };
}
