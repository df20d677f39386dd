/**
 * The disks of a VM that lies in files. Whatever checksums came with it are compared before its
 * disks are read, and what was compared must still be there when they have been.
 */
import { lstat } from 'node:fs/promises';
import type { HashAlgorithm } from '#disks/hash-file.ts';
import type { PartPlace } from '#disks/source-part.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Export, ExportedDisk } from '#transfers/source.ts';
import type { FilePackage, PackageFile } from './file-package.ts';
import { diskKey } from './file-vm.ts';
import type { PackagedVm } from './ovf.ts';
import { damagedPackage } from './package-error.ts';

export type HashFile = (
  request: {
    readonly path: string;
    readonly algorithm: HashAlgorithm;
    part: PartPlace | undefined;
  },
  signal: AbortSignal,
) => Promise<string>;

export interface FileExportParts {
  readonly package: FilePackage;
  readonly vm: PackagedVm;
  readonly hash: HashFile;
}

export async function openFileExport(
  { package: files, vm, hash }: FileExportParts,
  signal: AbortSignal,
): Promise<Export> {
  const images: PackageFile[] = [];
  for (const { fileName } of vm.disks) images.push(await files.find(fileName));
  const { description, manifest } = files;
  const all = [...(description === undefined ? [] : [description]), ...images];
  const before = await stateOf(all);
  if (manifest !== undefined) {
    for (const file of all) await assertChecksum(file, manifest.get(file.name), { hash, signal });
  }
  return {
    transport: 'file',
    disks: images.map(toExported),
    setProgress: () => undefined,
    lost: new AbortController().signal,
    complete: async () => {
      if ((await stateOf(all)) !== before) throw changed();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Its tables say where everything is, so a copy can go on anywhere. */
function toExported({ path, part }: PackageFile, index: number): ExportedDisk {
  const feed = { kind: 'file', path, ...(part !== undefined && { part }) } as const;
  return { key: diskKey(index), feed, isResumable: true };
}

async function assertChecksum(
  { name, path, part }: PackageFile,
  expected: { readonly algorithm: HashAlgorithm; readonly digest: string } | undefined,
  { hash, signal }: { readonly hash: HashFile; readonly signal: AbortSignal },
): Promise<void> {
  if (expected === undefined) throw damagedPackage(`its manifest says nothing of ${name}`);
  const { algorithm, digest } = expected;
  if ((await hash({ path, algorithm, part }, signal)) === digest) return;
  throw new DroverError(
    'data_loss',
    `${name} is not what its manifest says: its ${algorithm.toUpperCase()} is another`,
    { reason: 'CHECKSUM_MISMATCH', metadata: { file: name } },
  );
}

async function stateOf(files: readonly PackageFile[]): Promise<string> {
  const states: string[] = [];
  for (const path of new Set(files.map((file) => file.path))) {
    const { ino, size, mtimeNs } = await lstat(path, { bigint: true });
    states.push(`${ino}:${size}:${mtimeNs}`);
  }
  return states.join(' ');
}

function changed(): DroverError {
  return new DroverError('failed_precondition', 'the files changed as they were read', {
    reason: 'SOURCE_CHANGED',
  });
}
