/**
 * Fetches the kernel of Debian's cloud flavour as an ordinary, signed package: apt resolves and
 * checks it, dpkg-deb unpacks it. Nothing is installed and no root is needed.
 */
import { access, copyFile, mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { DroverError } from '#kernel/errors.ts';
import { runCommand } from './command.ts';
import { openKernelTree } from './kernel-modules.ts';
import type { KernelTree } from './kernel-modules.ts';

export interface DebianKernel {
  readonly packageName: string;
  readonly version: string;
  /** Path of the unpacked `vmlinuz`. */
  readonly image: string;
  readonly tree: KernelTree;
}

export interface FetchKernelOptions {
  /** A folder of this build's own. */
  readonly workDir: string;
  /** Keeps package files for later builds; builds that run at once may share it. */
  readonly packageCache: string | undefined;
  /** The package that names the current kernel; by default the small one, for virtual machines. */
  readonly metaPackage?: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

const CLOUD_KERNEL = 'linux-image-cloud-amd64';
const KERNEL_PACKAGE = /linux-image-\d\S*-amd64/;
const LISTS_FIX = 'run `apt-get update` as root and build again';

/** The package as apt's lists name it. */
interface KernelPackage {
  readonly name: string;
  readonly version: string;
}

export async function fetchDebianKernel(options: FetchKernelOptions): Promise<DebianKernel> {
  const { kernel, archive } = await downloadCurrent(options);
  const unpackDir = join(options.workDir, 'unpacked');
  await mkdir(unpackDir);
  await runCommand('dpkg-deb', ['--extract', archive, unpackDir], { signal: options.signal });
  const release = kernel.name.slice('linux-image-'.length);
  return {
    packageName: kernel.name,
    version: kernel.version,
    image: join(unpackDir, 'boot', `vmlinuz-${release}`),
    tree: await openKernelTree(await findModules(unpackDir, release)),
  };
}

/** Lists older than the mirror name files the mirror has dropped: one refresh, one more try. */
async function downloadCurrent(
  options: FetchKernelOptions,
): Promise<{ kernel: KernelPackage; archive: string }> {
  const kernel = await resolvePackage(options);
  try {
    return { kernel, archive: await download(kernel, options) };
  } catch (thrown) {
    if (!(thrown instanceof DroverError) || thrown.reason !== 'COMMAND_FAILED') throw thrown;
    await updateLists(options, thrown.message, thrown);
  }
  const current = await resolvePackage(options);
  return { kernel: current, archive: await download(current, options) };
}

/** The meta package names the current kernel; without package lists apt knows neither. */
async function resolvePackage(options: FetchKernelOptions): Promise<KernelPackage> {
  const { metaPackage = CLOUD_KERNEL, signal } = options;
  let name = await dependedKernel(metaPackage, signal);
  if (name === undefined) {
    await updateLists(options, `apt does not know the package ${metaPackage}`);
    name = await dependedKernel(metaPackage, signal);
  }
  if (name !== undefined) return { name, version: await candidateVersion(name, signal) };
  throw new DroverError(
    'failed_precondition',
    `apt has no package ${metaPackage}: the demo image is built on Debian for x86-64; check ` +
      'that /etc/apt names a Debian mirror',
    { reason: 'KERNEL_PACKAGE_UNKNOWN', metadata: { package: metaPackage } },
  );
}

async function dependedKernel(
  metaPackage: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const output = await runCommand('apt-cache', ['depends', metaPackage], { signal });
    return KERNEL_PACKAGE.exec(output.toString())?.[0];
  } catch (thrown) {
    // apt fails on a name it does not know, which is what an empty list looks like.
    if (thrown instanceof DroverError && thrown.reason === 'COMMAND_FAILED') return undefined;
    throw thrown;
  }
}

async function candidateVersion(name: string, signal: AbortSignal): Promise<string> {
  const output = await runCommand('apt-cache', ['policy', name], { signal });
  const version = /Candidate: (\S+)/.exec(output.toString())?.[1];
  if (version !== undefined && version !== '(none)') return version;
  throw new DroverError('failed_precondition', `apt offers no version of ${name}; ${LISTS_FIX}`, {
    reason: 'KERNEL_PACKAGE_UNKNOWN',
    metadata: { package: name },
  });
}

async function download(kernel: KernelPackage, options: FetchKernelOptions): Promise<string> {
  options.progress(`kernel: ${kernel.name} ${kernel.version}`);
  const downloadDir = join(options.workDir, 'download');
  // apt writes the colon of an epoch as %3a.
  const prefix = `${kernel.name}_${kernel.version.replaceAll(':', '%3a')}_`;
  await mkdir(downloadDir, { recursive: true });
  const cached = await findPackage(options.packageCache, prefix);
  // apt checks the file it finds, and fetches it only when it is not the right one.
  if (cached !== undefined) await copyFile(cached, join(downloadDir, basename(cached)));
  await aptDownload(kernel.name, downloadDir, options.signal);
  const archive = await findPackage(downloadDir, prefix);
  if (archive === undefined) {
    throw new DroverError('aborted', `apt changed its mind about ${kernel.name}; build again`, {
      reason: 'KERNEL_PACKAGE_CHANGED',
      context: { expected: prefix, directory: downloadDir },
    });
  }
  if (cached === undefined) await keepPackage(archive, options.packageCache);
  return archive;
}

async function findPackage(
  directory: string | undefined,
  prefix: string,
): Promise<string | undefined> {
  if (directory === undefined) return undefined;
  await mkdir(directory, { recursive: true });
  const name = (await readdir(directory)).find(
    (file) => file.startsWith(prefix) && file.endsWith('.deb'),
  );
  return name === undefined ? undefined : join(directory, name);
}

/** Copied under another name first: whoever looks for it finds a whole file or none. */
async function keepPackage(archive: string, cache: string | undefined): Promise<void> {
  if (cache === undefined) return;
  const partial = join(cache, `partial-${process.pid}-${basename(archive)}`);
  await copyFile(archive, partial);
  await rename(partial, join(cache, basename(archive)));
}

async function aptDownload(
  packageName: string,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  // apt drops root for a user that cannot write here, and would warn that it did not.
  const sandbox = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
  await runCommand('apt-get', ['-q', ...sandbox, 'download', packageName], { signal, directory });
}

async function updateLists(
  options: FetchKernelOptions,
  problem: string,
  cause?: unknown,
): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new DroverError('failed_precondition', `${problem}; ${LISTS_FIX}`, {
      reason: 'APT_LISTS_MISSING',
      cause,
    });
  }
  options.progress('apt: refreshing the package lists');
  await runCommand('apt-get', ['-q', 'update'], { signal: options.signal });
}

/** Debian is moving `/lib` below `/usr`; either place is right. */
async function findModules(unpackDir: string, release: string): Promise<string> {
  for (const parent of ['lib', 'usr/lib']) {
    const directory = join(unpackDir, parent, 'modules', release);
    const isThere = await access(directory).then(
      () => true,
      () => false,
    );
    if (isThere) return directory;
  }
  throw new DroverError('failed_precondition', `the kernel package has no modules of ${release}`, {
    reason: 'KERNEL_MODULES_MISSING',
  });
}
