/**
 * The disks of a machine that are its own: copy-on-write overlays and UEFI settings. Made once
 * and kept, so that what the guest wrote is there when it boots again. They are made under
 * another name first: one that is there is whole.
 */
import { execFile } from 'node:child_process';
import { access, constants, copyFile, lchown, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { DiskSpec } from '#machines/machine-spec.ts';
import { diskFullError } from './launch-error.ts';
import type { MachineDirectory } from './machine-directory.ts';
import { DISKS_DIRECTORY, EFI_VARS_FILE, overlayFile } from './machine-files.ts';
import type { QemuUser } from './qemu-user.ts';

const execFileAsync = promisify(execFile);

export interface OverlayOptions {
  readonly qemuImg: string;
  readonly owner: QemuUser | undefined;
  readonly signal: AbortSignal;
}

export async function ensureOverlay(
  directory: MachineDirectory,
  disk: DiskSpec,
  options: OverlayOptions,
): Promise<void> {
  const { owner, qemuImg, signal } = options;
  const path = directory.file(overlayFile(disk.id));
  if (await isThere(path)) return;
  const unfinished = `${basename(path)}.new`;
  // `-u` and the size: the base is not opened here, only by QEMU itself in its sandbox.
  const format = ['-f', 'qcow2', '-o', 'compat=1.1,lazy_refcounts=on'];
  const base = ['-u', '-F', disk.format, '-b', disk.path];
  const folder = directory.file(DISKS_DIRECTORY);
  try {
    await rm(join(folder, unfinished), { force: true });
    await execFileAsync(
      qemuImg,
      ['create', '-q', ...format, ...base, unfinished, String(disk.sizeBytes)],
      // As the owner: who owns the folder must not choose what root writes to.
      { signal, cwd: folder, ...(owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }) },
    );
    await rename(join(folder, unfinished), path);
  } catch (thrown) {
    await rm(join(folder, unfinished), { force: true });
    signal.throwIfAborted();
    throw overlayError(disk, qemuImg, thrown);
  }
}

/** A guest's own copy of the empty UEFI settings. */
export async function ensureEfiVars(
  directory: MachineDirectory,
  template: string,
  owner: QemuUser | undefined,
): Promise<void> {
  const path = directory.file(EFI_VARS_FILE);
  if (await isThere(path)) return;
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  await copyFile(template, unfinished, constants.COPYFILE_EXCL);
  if (owner !== undefined) await lchown(unfinished, owner.uid, owner.gid);
  await rename(unfinished, path);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}

function overlayError(disk: DiskSpec, qemuImg: string, cause: unknown): DroverError {
  const metadata = { device_id: disk.id };
  if (systemErrorCode(cause) === 'ENOENT') {
    return new DroverError(
      'failed_precondition',
      `the program ${qemuImg} is missing on this host; install the package qemu-utils`,
      { reason: 'PROGRAM_MISSING', metadata, cause },
    );
  }
  const isFull = cause instanceof Error && /No space left|ENOSPC/.test(cause.message);
  return isFull
    ? diskFullError(cause, { metadata })
    : new DroverError('internal', `disk ${disk.id} of the VM could not be made`, {
        reason: 'OVERLAY_FAILED',
        metadata,
        cause,
      });
}
