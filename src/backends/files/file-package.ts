/**
 * What VMs come in when they come as files: an OVA, an OVF with its images beside it, or an image
 * alone, which says nothing of the VM that it belongs to.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RangeSource } from '#disks/byte-source.ts';
import { openFileRangeSource } from '#disks/file-range-source.ts';
import { createSourcePart, type PartPlace } from '#disks/source-part.ts';
import { MIB } from '#kernel/units.ts';
import { systemErrorCode } from '#kernel/errors.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { MOST_OVF_BYTES, parseOvf, type PackagedVm } from './ovf.ts';
import { damagedPackage, unreadablePackage } from './package-error.ts';
import { listTarMembers } from './tar-members.ts';

const MOST_MANIFEST_BYTES = MIB;

/** A file, or the part of one that is a member of an archive. */
export interface PackageFile {
  readonly name: string;
  readonly path: string;
  readonly part: PartPlace | undefined;
  readonly sizeBytes: number;
}

export interface FilePackage {
  /** Of the package, in its folder. */
  readonly fileName: string;
  readonly vms: readonly PackagedVm[];
  /** With what describes it, for the checksums; undefined for an image alone. */
  readonly description: PackageFile | undefined;
  readonly manifest: Manifest | undefined;
  /** By its name; throws when it is not there. */
  find(name: string): Promise<PackageFile>;
}

export async function openPackage(
  directory: string,
  fileName: string,
  signal: AbortSignal,
): Promise<FilePackage> {
  if (/\.ova$/i.test(fileName)) return await openOva(directory, fileName, signal);
  if (/\.ovf$/i.test(fileName)) return await openOvf(directory, fileName, signal);
  await findFile(directory, fileName);
  return {
    ...{ fileName, vms: [vmOfImage(fileName)], description: undefined, manifest: undefined },
    find: (name) => findFile(directory, name),
  };
}

/** `web.ova` is `web`. */
export function baseName(fileName: string): string {
  return fileName.replace(/(?<=.)\.[^.]*$/, '');
}

async function openOva(
  directory: string,
  fileName: string,
  signal: AbortSignal,
): Promise<FilePackage> {
  const { path } = await findFile(directory, fileName);
  await using source = await openFileRangeSource(path);
  const files = new Map<string, PackageFile>();
  for (const { name, offset, length } of await listTarMembers(source, signal)) {
    files.set(name, { name, path, part: { offset, length }, sizeBytes: length });
  }
  const find = async (name: string) => await Promise.resolve(files.get(name) ?? missing(name));
  const description = [...files.values()].find(({ name }) => /\.ovf$/i.test(name));
  if (description === undefined) throw unreadablePackage('there is no OVF in it');
  const manifest = files.get(manifestName(description.name));
  return {
    ...{ fileName, description, find },
    vms: parseOvf(await readSmall(source, description, { most: MOST_OVF_BYTES, signal })),
    manifest:
      manifest &&
      toManifest(await readSmall(source, manifest, { most: MOST_MANIFEST_BYTES, signal })),
  };
}

async function openOvf(
  directory: string,
  fileName: string,
  signal: AbortSignal,
): Promise<FilePackage> {
  const description = await findFile(directory, fileName);
  const read = async (file: PackageFile, most: number) => {
    await using source = await openFileRangeSource(file.path);
    return await readSmall(source, file, { most, signal });
  };
  const manifest = await findIfThere(directory, manifestName(fileName));
  return {
    ...{ fileName, description },
    vms: parseOvf(await read(description, MOST_OVF_BYTES)),
    manifest: manifest && toManifest(await read(manifest, MOST_MANIFEST_BYTES)),
    find: (name) => findFile(directory, name),
  };
}

function manifestName(ovfName: string): string {
  return `${baseName(ovfName)}.mf`;
}

function toManifest(bytes: Uint8Array): Manifest {
  return parseManifest(Buffer.from(bytes).toString('utf8'));
}

async function readSmall(
  source: RangeSource,
  { name, part, sizeBytes }: PackageFile,
  { most, signal }: { readonly most: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  if (sizeBytes > most) throw unreadablePackage(`${name} is longer than ${most} bytes`);
  const all = createSourcePart(source, part ?? { offset: 0, length: sizeBytes });
  return await all.read(0, sizeBytes, signal);
}

async function findFile(directory: string, name: string): Promise<PackageFile> {
  return (await findIfThere(directory, name)) ?? missing(name);
}

async function findIfThere(directory: string, name: string): Promise<PackageFile | undefined> {
  const path = join(directory, name);
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) throw unreadablePackage(`${name} is a link or a folder, and no file`);
    return { name, path, part: undefined, sizeBytes: stats.size };
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function missing(name: string): never {
  throw damagedPackage(`the file ${name} is not there`);
}

/** The least that there is to say; whoever migrates it hears that the rest is not known. */
function vmOfImage(fileName: string): PackagedVm {
  const disk = { label: 'Hard disk 1', fileName, declaredBytes: undefined, position: 0 };
  return {
    ...{ id: fileName, name: baseName(fileName), guestId: undefined, guestOs: undefined },
    ...{ cpus: undefined, coresPerSocket: undefined, memoryMib: undefined },
    ...{ firmware: 'bios', isSecureBoot: false, hasTpm: false, nics: [], cdroms: [] },
    disks: [{ ...disk, bus: 'sata', controller: 'ahci' }],
  };
}
