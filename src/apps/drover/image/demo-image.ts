/**
 * Builds the demo image: a kernel of Debian's, an initrd and a small root disk with busybox. The
 * image is made in a hidden folder beside its place and gets its name when it is whole, so an
 * interrupted build leaves no half image, only a folder the next build clears away.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { systemClock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { formatBytes, MIB } from '#kernel/units.ts';
import { imageToJson } from './built-image.ts';
import type { BuiltImage, ImageFile } from './built-image.ts';
import { runCommand } from './command.ts';
import { fetchDebianKernel } from './debian-kernel.ts';
import type { DebianKernel } from './debian-kernel.ts';
import { createInitrd, layOutRoot } from './demo-guest.ts';

export interface BuildDemoImageOptions {
  readonly imagesDir: string;
  /** Keeps the downloaded kernel package for the next build; by default it is not kept. */
  readonly workDir?: string;
  /** Replaces an image that is already there. */
  readonly force?: boolean;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

const NAME = 'demo';
const KERNEL_FILE = 'vmlinuz';
const INITRD_FILE = 'initrd.img';
const ROOT_DISK_FILE = 'rootfs.ext4';
const ROOT_DISK_MIB = 64;
const MEMORY_MIB = 256;
/** The same for every build: images of one kernel differ in nothing but times. */
const ROOT_DISK_UUID = '5f0d3a52-6c0e-4c1f-9d53-64726f766572';
/** The kernel's self-tests of its ciphers take a fifth of the boot where the CPU is emulated. */
const KERNEL_ARGS = 'console=ttyS0 reboot=k panic=1 quiet cryptomgr.notests root=/dev/vda rw';

/** Hidden, so that no listing takes it for an image; the number is the building process. */
const BUILD_FOLDER = /^\.demo\.building-(\d+)-/;

export async function buildDemoImage(options: BuildDemoImageOptions): Promise<BuiltImage> {
  const imagesDir = resolve(options.imagesDir);
  const target = join(imagesDir, NAME);
  options.signal.throwIfAborted();
  await mkdir(imagesDir, { recursive: true });
  if (options.force !== true) await refuseExisting(target);
  await removeAbandoned(imagesDir);

  const folder = await mkdtemp(join(imagesDir, `.${NAME}.building-${process.pid}-`));
  try {
    const built = join(folder, 'image');
    await mkdir(built);
    await chmod(built, 0o755);
    const image = await fillFolder(built, join(folder, 'work'), target, options);
    await replace(target, built, imagesDir);
    options.progress(`image: ${target}`);
    return image;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fillFolder(
  built: string,
  work: string,
  target: string,
  options: BuildDemoImageOptions,
): Promise<BuiltImage> {
  const { signal, progress } = options;
  await mkdir(work);
  const kernel = await fetchDebianKernel({
    workDir: work,
    packageCache: options.workDir,
    signal,
    progress,
  });
  await copyFile(kernel.image, join(built, KERNEL_FILE));
  await writeFile(join(built, INITRD_FILE), await createInitrd(kernel, signal));
  await makeRootDisk(join(built, ROOT_DISK_FILE), join(work, 'root'), kernel, signal);

  const files: ImageFile[] = [];
  for (const name of [KERNEL_FILE, INITRD_FILE, ROOT_DISK_FILE]) {
    // QEMU runs as another user, and must read what root or the builder wrote.
    await chmod(join(built, name), 0o644);
    files.push(await describe(built, name, signal));
  }
  for (const file of files) progress(`file: ${file.name}, ${formatBytes(file.sizeBytes)}`);
  const image: BuiltImage = {
    name: NAME,
    description: `busybox on Linux ${kernel.tree.release} (Debian ${kernel.version})`,
    directory: target,
    builtAt: systemClock.nowMs(),
    files,
    config: demoConfig(),
  };
  await writeFile(join(built, 'image.json'), imageToJson(image), { mode: 0o644 });
  return image;
}

async function makeRootDisk(
  disk: string,
  rootDir: string,
  kernel: DebianKernel,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(rootDir, { recursive: true });
  await layOutRoot(rootDir, kernel, signal);
  const extended = `root_owner=0:0,hash_seed=${ROOT_DISK_UUID},lazy_itable_init=0`;
  const args = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-m', '0', '-J', 'size=4', '-L', 'demo'];
  await runCommand(
    'mke2fs',
    [...args, '-U', ROOT_DISK_UUID, '-E', extended, '-d', rootDir, disk, `${ROOT_DISK_MIB}M`],
    { signal },
  );
}

/** The template of CreateVm's `config`; the caller adds what makes the machine its own. */
function demoConfig(): BuiltImage['config'] {
  return {
    cpu: { vcpu_count: 1 },
    memory: { size_bytes: MEMORY_MIB * MIB },
    boot: {
      kernel_path: `/assets/${NAME}/${KERNEL_FILE}`,
      initrd_path: `/assets/${NAME}/${INITRD_FILE}`,
      kernel_args: KERNEL_ARGS,
    },
    storage: [
      {
        device_id: 'rootfs',
        path_on_host: `/assets/${NAME}/${ROOT_DISK_FILE}`,
        is_read_only: false,
        is_root_device: true,
      },
    ],
    network: [{ interface_id: 'eth0', guest_mac: 'auto' }],
    metadata: { image: NAME },
  };
}

async function describe(folder: string, name: string, signal: AbortSignal): Promise<ImageFile> {
  const path = join(folder, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return { name, sizeBytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

async function refuseExisting(target: string): Promise<void> {
  try {
    await stat(target);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return;
    throw thrown;
  }
  throw new DroverError(
    'already_exists',
    `the image ${NAME} is already built; add --force to build it anew`,
    { reason: 'IMAGE_EXISTS', metadata: { image: NAME } },
  );
}

/**
 * The image's name is a link to the version in force. A version stays where it is when the next
 * one takes its place: the disks of machines made from it are overlays over its files.
 */
async function replace(target: string, built: string, imagesDir: string): Promise<void> {
  const version = await mkdtemp(join(imagesDir, `.${NAME}.version-`));
  const link = join(dirname(built), 'link');
  await rename(built, version);
  await symlink(basename(version), link);
  await rename(link, target);
}

async function removeAbandoned(imagesDir: string): Promise<void> {
  for (const name of await readdir(imagesDir)) {
    const pid = BUILD_FOLDER.exec(name)?.[1];
    if (pid === undefined || isProcessAlive(Number(pid))) continue;
    await rm(join(imagesDir, name), { recursive: true, force: true });
  }
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return systemErrorCode(thrown) === 'EPERM';
  }
}
