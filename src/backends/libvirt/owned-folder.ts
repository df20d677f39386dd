/** A folder that bears its owner from the moment at which it is there. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { toDiskFailure } from '#disks/disk-failure.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';

export const OWNER_FILE = '.owner';

export const FOLDER_FILES = {
  domain: 'domain.xml',
  manifest: 'manifest.json',
  sums: 'SHA256SUMS',
} as const;

/** The disks of a VM hold whatever its owner keeps there. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export async function isOwnedBy(folder: string, owner: string): Promise<boolean> {
  try {
    return (await readFile(join(folder, OWNER_FILE), 'utf8')).trim() === owner;
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw thrown;
  }
}

/**
 * Makes it with the mark inside and only then gives it its name, which no folder with anything in
 * it can have: of two that want it, one gets it.
 */
export async function takeFolder(folder: string, owner: string): Promise<void> {
  if (await isOwnedBy(folder, owner)) return;
  const tag = createHash('sha256').update(owner).digest('hex').slice(0, 12);
  const made = join(dirname(folder), `.${basename(folder)}-${tag}.partial`);
  try {
    await mkdir(made, { recursive: true, mode: FOLDER_MODE });
    await writeWhole(join(made, OWNER_FILE), `${owner}\n`);
    await rename(made, folder);
    await syncFolder(dirname(folder));
  } catch (thrown) {
    await rm(made, { recursive: true, force: true });
    const code = systemErrorCode(thrown);
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw inTheWay(folder);
    throw toDiskFailure(thrown);
  }
}

/** When it returns, the file is on the disk; until then there is none, or the old one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    {
      await using file = await open(temporary, 'w', FILE_MODE);
      await file.writeFile(text);
      await file.datasync();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    throw toDiskFailure(thrown);
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

function inTheWay(path: string): DroverError {
  return new DroverError('already_exists', `${path} is there already, and not of this job`, {
    reason: 'FILE_IN_THE_WAY',
    metadata: { path, remedy: 'remove it, or give the VM another name' },
  });
}
