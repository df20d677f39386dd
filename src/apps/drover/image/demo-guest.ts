/**
 * Lays out the demo guest's files: the first root the kernel unpacks (`initrd`), and the folder
 * the root disk is made from. Both are the scripts in `guest/demo`, busybox under the names of
 * all its programs, and the drivers each of them loads, listed in `load-order`.
 */
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { runCommand } from './command.ts';
import { createCpioArchive } from './cpio-archive.ts';
import type { CpioEntry } from './cpio-archive.ts';
import { loadModules } from './kernel-modules.ts';
import type { KernelModule, KernelTree } from './kernel-modules.ts';

const SCRIPTS_DIR = fileURLToPath(new URL('../../../../guest/demo/', import.meta.url));
const BUSYBOX = '/bin/busybox';

/** What it takes to reach the root disk, over virtio-mmio (microvm) and over PCI (q35). */
const DISK_DRIVERS = ['virtio_mmio', 'virtio_pci', 'virtio_blk'];
/** The network, the power button as an input device, the agent's port, and news of a panic. */
const GUEST_DRIVERS = ['virtio_net', 'button', 'evdev', 'virtio_console', 'pvpanic_mmio'];

/** The programs the initrd's script calls. */
const INITRD_PROGRAMS = ['findfs', 'insmod', 'mount', 'sh', 'switch_root', 'usleep'];

export async function createInitrd(tree: KernelTree, signal: AbortSignal): Promise<Buffer> {
  const modules = await loadModules(tree, DISK_DRIVERS, signal);
  const directories = ['bin', 'dev', 'lib', 'lib/modules', 'proc', 'root', 'sys'];
  const entries: CpioEntry[] = [
    ...directories.map((path) => ({ kind: 'directory', path }) as const),
    { kind: 'file', path: 'bin/busybox', content: await readBusybox(), mode: 0o755 },
    ...INITRD_PROGRAMS.map(
      (name) => ({ kind: 'symlink', path: `bin/${name}`, target: 'busybox' }) as const,
    ),
    ...modules.map(
      ({ name, content }) =>
        ({ kind: 'file', path: `lib/modules/${name}.ko`, content, mode: 0o644 }) as const,
    ),
    {
      kind: 'file',
      path: 'lib/modules/load-order',
      content: Buffer.from(loadOrder(modules)),
      mode: 0o644,
    },
    {
      kind: 'file',
      path: 'init',
      content: await readFile(join(SCRIPTS_DIR, 'initrd', 'init')),
      mode: 0o755,
    },
  ];
  return gzipSync(createCpioArchive(entries), { level: 9 });
}

/** Fills an empty folder with all that belongs on the root disk. */
export async function layOutRoot(
  rootDir: string,
  tree: KernelTree,
  signal: AbortSignal,
): Promise<void> {
  await cp(join(SCRIPTS_DIR, 'root'), rootDir, { recursive: true });
  await makeScriptsExecutable(rootDir);
  for (const name of ['bin', 'dev', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var']) {
    await mkdir(join(rootDir, name), { recursive: true });
  }
  await chmod(join(rootDir, 'tmp'), 0o1777);
  await installBusybox(rootDir, signal);
  // Written at run time, and the root may be mounted read-only.
  await symlink('/run/resolv.conf', join(rootDir, 'etc', 'resolv.conf'));
  await symlink('/proc/self/mounts', join(rootDir, 'etc', 'mtab'));

  // What the initrd has loaded is loaded: only the rest is left to do.
  const loaded = new Set((await loadModules(tree, DISK_DRIVERS, signal)).map(({ name }) => name));
  const modules = (await loadModules(tree, GUEST_DRIVERS, signal)).filter(
    ({ name }) => !loaded.has(name),
  );
  const modulesDir = join(rootDir, 'lib', 'modules', tree.release);
  await mkdir(modulesDir, { recursive: true });
  for (const { name, content } of modules) await writeFile(join(modulesDir, `${name}.ko`), content);
  await writeFile(join(modulesDir, 'load-order'), loadOrder(modules));
}

async function installBusybox(rootDir: string, signal: AbortSignal): Promise<void> {
  await readBusybox();
  const binDir = join(rootDir, 'bin');
  await copyFile(BUSYBOX, join(binDir, 'busybox'));
  await chmod(join(binDir, 'busybox'), 0o755);
  const names = (await runCommand(BUSYBOX, ['--list'], { signal })).toString().split('\n');
  for (const name of names) {
    if (name !== '' && name !== 'busybox') await symlink('busybox', join(binDir, name));
  }
  await symlink('bin', join(rootDir, 'sbin'));
  await symlink('../bin', join(rootDir, 'usr', 'bin'));
  await symlink('../bin', join(rootDir, 'usr', 'sbin'));
}

async function readBusybox(): Promise<Buffer> {
  const content = await readFile(BUSYBOX).catch((thrown: unknown) => {
    if (systemErrorCode(thrown) === 'ENOENT') return Buffer.alloc(0);
    throw thrown;
  });
  // A dynamically linked program names its loader; the guest has no libraries for it.
  if (content.length > 0 && !content.includes('/lib64/ld-linux')) return content;
  throw new DroverError(
    'failed_precondition',
    `the demo image needs a statically linked ${BUSYBOX}; install the package busybox-static`,
    { reason: 'BUSYBOX_MISSING', metadata: { package: 'busybox-static' } },
  );
}

/** Sources keep their modes in a clone but not in every archive of one. */
async function makeScriptsExecutable(rootDir: string): Promise<void> {
  const directory = join(rootDir, 'etc', 'drover');
  for (const name of await readdir(directory)) await chmod(join(directory, name), 0o755);
}

function loadOrder(modules: readonly KernelModule[]): string {
  return modules.map(({ name }) => `${name}\n`).join('');
}
