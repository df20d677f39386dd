/** Whether an image is what its name says: one that is not may be damaged, or another file. */
import { openFileRangeSource } from '#disks/file-range-source.ts';
import { readImageFormat } from '#disks/open-disk-image.ts';
import { createSourcePart } from '#disks/source-part.ts';
import type { PackageFile } from './file-package.ts';

/** Only endings that mean one thing: images of every kind are called `.img`. */
const BY_ENDING: Readonly<Record<string, string>> = { vmdk: 'vmdk', qcow2: 'qcow2', raw: 'raw' };
/** What a descriptor of a VMDK names is raw. */
const EXTENT = /-flat\.vmdk$/i;

/** What it is instead; undefined where nothing is odd. */
export async function findOddFormat(
  { name, path, part, sizeBytes }: PackageFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [, ending = ''] = /\.([a-z0-9]+)$/i.exec(name) ?? [];
  const expected = BY_ENDING[ending.toLowerCase()];
  if (expected === undefined || EXTENT.test(name)) return undefined;
  await using source = await openFileRangeSource(path);
  const image = createSourcePart(source, part ?? { offset: 0, length: sizeBytes });
  const found = await readImageFormat(image, signal);
  return found === expected ? undefined : found;
}
