/**
 * Lays out the demo guest's files: the first root the kernel unpacks (`initrd`), and the folder
 * the root disk is made from. Both are the scripts in `guest/demo`, busybox under the names of
 * all its programs, and the drivers each of them loads, named in order in `drivers`.
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
const INITRD_PROGRAMS = ['findfs', 'modprobe', 'mount', 'sh', 'switch_root', 'usleep'];

export interface GuestKernel {
  readonly tree: KernelTree;
  /** What it takes to reach the root disk of a machine without virtio, and its network. */
  readonly furtherDrivers?: { readonly disk: readonly string[]; readonly guest: readonly string[] };
}

/** Not compressed: an emulated guest would need longer to unpack it than QEMU to read it. */
export async function createInitrd(kernel: GuestKernel, signal: AbortSignal): Promise<Buffer> {
  const { tree } = kernel;
  const modules = await loadModules(tree, diskDrivers(kernel), signal);
  const modulesDir = `lib/modules/${tree.release}`;
  const directories = ['bin', 'dev', 'etc', 'lib', 'lib/modules', modulesDir];
  const entries: CpioEntry[] = [
    ...[...directories, 'proc', 'root', 'sys'].map(
      (path) => ({ kind: 'directory', path }) as const,
    ),
    { kind: 'file', path: 'bin/busybox', content: await readBusybox(), mode: 0o755 },
    ...INITRD_PROGRAMS.map(
      (name) => ({ kind: 'symlink', path: `bin/${name}`, target: 'busybox' }) as const,
    ),
    ...driverFiles(modules).map(
      ({ name, content }) =>
        ({ kind: 'file', path: `${modulesDir}/${name}`, content, mode: 0o644 }) as const,
    ),
    { kind: 'file', path: 'init', content: await readInitrdScript('init'), mode: 0o755 },
    { kind: 'file', path: 'etc/fstab', content: await readInitrdScript('fstab'), mode: 0o644 },
    { kind: 'file', path: 'etc/moves', content: await readInitrdScript('moves'), mode: 0o644 },
  ];
  return createCpioArchive(entries);
}

/** Fills an empty folder with all that belongs on the root disk. */
export async function layOutRoot(
  rootDir: string,
  kernel: GuestKernel,
  signal: AbortSignal,
): Promise<void> {
  const { tree, furtherDrivers } = kernel;
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
  const loaded = new Set(
    (await loadModules(tree, diskDrivers(kernel), signal)).map(({ name }) => name),
  );
  const wanted = [...GUEST_DRIVERS, ...(furtherDrivers?.guest ?? [])];
  const modules = (await loadModules(tree, wanted, signal)).filter(({ name }) => !loaded.has(name));
  const modulesDir = join(rootDir, 'lib', 'modules', tree.release);
  await mkdir(modulesDir, { recursive: true });
  for (const { name, content } of driverFiles(modules)) {
    await writeFile(join(modulesDir, name), content);
  }
}

function diskDrivers({ furtherDrivers }: GuestKernel): readonly string[] {
  return [...DISK_DRIVERS, ...(furtherDrivers?.disk ?? [])];
}

/**
 * A folder for busybox's `modprobe`. What depends on what is left out of its list, since `drivers`
 * has them all in an order in which each finds what it needs.
 */
function driverFiles(modules: readonly KernelModule[]): { name: string; content: Buffer }[] {
  const names = modules.map(({ name }) => name);
  return [
    ...modules.map(({ name, content }) => ({ name: `${name}.ko`, content })),
    { name: 'modules.dep', content: Buffer.from(names.map((name) => `${name}.ko:\n`).join('')) },
    { name: 'drivers', content: Buffer.from(`${names.join(' ')}\n`) },
  ];
}

async function readInitrdScript(name: string): Promise<Buffer> {
  return await readFile(join(SCRIPTS_DIR, 'initrd', name));
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
