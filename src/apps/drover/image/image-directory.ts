/** Reads the images that lie in an image directory. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DroverError, invalidArgument, systemErrorCode, toDroverError } from '#kernel/errors.ts';
import { isImageName, parseImage } from './built-image.ts';
import type { BuiltImage } from './built-image.ts';

export interface BrokenImage {
  readonly name: string;
  readonly error: DroverError;
}

export interface ImageListing {
  readonly images: readonly BuiltImage[];
  /** Folders with an `image.json` that cannot be used, and why. */
  readonly broken: readonly BrokenImage[];
}

/** In the order of their names. A directory that does not exist yet holds no images. */
export async function listImages(imagesDir: string): Promise<ImageListing> {
  const images: BuiltImage[] = [];
  const broken: BrokenImage[] = [];
  for (const name of (await folderNames(imagesDir)).toSorted()) {
    try {
      const image = await openImage(imagesDir, name);
      if (image !== undefined) images.push(image);
    } catch (thrown) {
      broken.push({ name, error: toDroverError(thrown) });
    }
  }
  return { images, broken };
}

export async function readImage(imagesDir: string, name: string): Promise<BuiltImage> {
  if (!isImageName(name)) {
    throw invalidArgument('image', 'must be 1 to 64 lower-case letters, digits, ".", "_" or "-"');
  }
  const image = await openImage(imagesDir, name);
  if (image !== undefined) return image;
  const known = (await listImages(imagesDir)).images.map((other) => other.name);
  const hint =
    name === 'demo' ? 'build it with `drover image build demo`' : `there is ${toSentence(known)}`;
  throw new DroverError('not_found', `there is no image ${name}; ${hint}`, {
    reason: 'IMAGE_NOT_FOUND',
    metadata: { image: name },
  });
}

/** Undefined when the folder is not there or is no image. */
async function openImage(imagesDir: string, name: string): Promise<BuiltImage | undefined> {
  const directory = join(imagesDir, name);
  let text: string;
  try {
    text = await readFile(join(directory, 'image.json'), 'utf8');
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DroverError('failed_precondition', `image ${name}: image.json is unreadable`, {
      reason: 'IMAGE_UNREADABLE',
      metadata: { image: name },
      context: { directory },
      cause: thrown,
    });
  }
  const image = parseImage(text, directory);
  if (image.name === name) return image;
  throw invalidArgument('name', `must be that of its folder, ${name}, not ${image.name}`);
}

async function folderNames(imagesDir: string): Promise<string[]> {
  try {
    const entries = await readdir(imagesDir, { withFileTypes: true });
    return entries.map((entry) => entry.name).filter(isImageName);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

function toSentence(names: readonly string[]): string {
  return names.length === 0 ? 'no image yet' : names.join(', ');
}
