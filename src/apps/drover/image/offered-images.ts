/**
 * The images of the first image directory, which `/assets` stands for: requests can name what is
 * in that one alone. An `image.json` that cannot be used is told of in the log, and left out.
 */
import type { Log } from '#kernel/log.ts';
import type { MachineImage } from '#machines/machine-image.ts';
import { listImages } from './image-directory.ts';

const MOST_IMAGES = 500;

export async function offeredImages(
  directory: string | undefined,
  log: Log,
): Promise<readonly MachineImage[]> {
  if (directory === undefined) return [];
  const { images, broken } = await listImages(directory);
  for (const { name, error } of broken)
    log.debug({ image: name, error }, 'an image is not offered');
  return images.slice(0, MOST_IMAGES).map(({ name, description, builtAt, files, config }) => ({
    ...{ name, description, builtAt, config },
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }));
}
