/**
 * The whole server as `drover up` puts it together, on a hypervisor and a network that only
 * pretend: what is measured is Drover, not QEMU. Started by openChildServer.
 *
 *   node bench/serve-fakes.ts --data DIR [--page DIR]
 *
 * The database is SQLite in DIR, or what DROVER_DATABASE names; `--page` puts another web page in
 * the place of the built one.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { readEnvironment } from '#apps/drover/env.ts';
import { parseConfig } from '#apps/drover/config.ts';
import { openServer } from '#apps/drover/server.ts';
import { trimHeap } from '#apps/drover/trim-heap.ts';
import { FakeHypervisor } from '#backends/fake/fake-hypervisor.ts';
import { FakeNetwork } from '#backends/fake/fake-network.ts';
import { GIB } from '#kernel/units.ts';
import type { DiskImage, ImageCatalog } from '#machines/hypervisor.ts';

/** There are no images where there are no guests, so any path will do. */
class AnyImage implements ImageCatalog {
  resolveFile(_field: string, path: string): Promise<string> {
    return Promise.resolve(path);
  }

  resolveDisk(_field: string, path: string): Promise<DiskImage> {
    return Promise.resolve({ realPath: path, format: 'raw', sizeBytes: GIB, isOwn: false });
  }
}

const { data, page } = parseArgs({
  options: { data: { type: 'string' }, page: { type: 'string' } },
}).values;
if (data === undefined) throw new Error('--data DIR is missing');

const env = readEnvironment();
const database = env.variables['DROVER_DATABASE'];
const loaded = parseConfig({
  flags: new Map([
    ['port', '0'],
    ['data', data],
    ['capacity-vcpus-per-core', '64'],
    ['capacity-memory', '1024GiB'],
  ]),
  // The other settings of whoever runs the benchmark are not those that are to be measured.
  env: { ...env, variables: database === undefined ? {} : { DROVER_DATABASE: database } },
});
const backends = {
  hypervisor: new FakeHypervisor(),
  network: new FakeNetwork(),
  images: new AnyImage(),
};
await using server = await openServer(loaded, {
  backends,
  ...(page !== undefined && { webDirectory: page }),
});
process.stdout.write(`ready ${server.url}\n`);
trimHeap();
process.stdin.resume();
await Promise.race([once(process, 'SIGTERM'), once(process.stdin, 'end')]);
