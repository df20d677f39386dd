/**
 * The demo guest on a disk that boots by itself, as that of a VM somewhere else would: by BIOS,
 * from any controller, with Debian's kernel for real machines, which knows SATA and e1000e. It is
 * built once for each state of its sources and kept beside the installed packages; two test files
 * at once may both build it.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { runCommand } from '#apps/drover/image/command.ts';
import { fetchDebianKernel } from '#apps/drover/image/debian-kernel.ts';
import { createInitrd, layOutRoot } from '#apps/drover/image/demo-guest.ts';
import { bootArea } from './boot-sector.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/drover-vsphere');
const SOURCES = [
  ...['guest/demo/**/*', 'src/apps/drover/image/!(*.test).ts'],
  ...['test/vsphere/{boot-sector,demo-disk}.ts'],
];
const MIB = 1024 * 1024;
const PARTITION_MIB = 32;
const ROOT_MIB = 64;
const KERNEL_ARGS = 'console=ttyS0 reboot=k panic=1 quiet cryptomgr.notests root=LABEL=demo rw';
const BUILD_LIMIT_MS = 300_000;

/** What reaches a root disk of ext4 that is not virtio. */
const DISK_DRIVERS = ['ahci', 'vmw_pvscsi', 'sd_mod', 'crc32c_generic', 'ext4'];
const NETWORK_DRIVERS = ['e1000e', 'vmxnet3'];

/** The line on the serial port that says that the guest is up. */
export const DEMO_READY = /drover-demo ready: /;

/** A raw disk of 96 MiB in `directory`, for the caller to do with as it likes. */
export async function makeDemoDisk(directory: string): Promise<string> {
  const signal = AbortSignal.timeout(BUILD_LIMIT_MS);
  const built = join(CACHE, `demo-${digest()}.raw`);
  if (!existsSync(built)) await build(built, signal);
  const disk = join(directory, 'demo.raw');
  await runCommand('cp', ['--sparse=always', built, disk], { signal });
  return disk;
}

function digest(): string {
  const hash = createHash('sha256');
  for (const path of globSync(SOURCES, { cwd: ROOT }).toSorted()) {
    if (!statSync(join(ROOT, path)).isFile()) continue;
    hash.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function build(target: string, signal: AbortSignal): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, '.building-'));
  try {
    const { image, tree } = await fetchDebianKernel({
      workDir: folder,
      packageCache: CACHE,
      metaPackage: 'linux-image-amd64',
      signal,
      progress: () => undefined,
    });
    const root = join(folder, 'root');
    await mkdir(root);
    const guest = { tree, furtherDrivers: { disk: DISK_DRIVERS, guest: NETWORK_DRIVERS } };
    await layOutRoot(root, guest, signal);
    const disk = join(folder, 'disk.raw');
    await makeRootPartition(disk, root, signal);
    const initrd = gzipSync(await createInitrd(guest, signal));
    const kernel = await readFile(image);
    const sectors = (mib: number) => (mib * MIB) / 512;
    const area = bootArea(
      { kernel, initrd, args: KERNEL_ARGS },
      { sector: sectors(PARTITION_MIB), sectors: sectors(ROOT_MIB) },
    );
    await using file = await open(disk, 'r+');
    await file.write(area, 0, area.length, 0);
    await rename(disk, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeRootPartition(disk: string, root: string, signal: AbortSignal): Promise<void> {
  await writeFile(disk, '');
  const options = `offset=${PARTITION_MIB * MIB},root_owner=0:0,lazy_itable_init=0`;
  const args = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-m', '0', '-J', 'size=4', '-L', 'demo'];
  await runCommand('mke2fs', [...args, '-E', options, '-d', root, disk, `${ROOT_MIB}M`], {
    signal,
  });
}
