/**
 * The demo image for tests that boot a real guest. It is built once for each state of its sources
 * and kept beside the installed packages, or in the folder DROVER_TEST_IMAGES names; two test
 * files at once may both build it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildDemoImage } from '#apps/drover/image/demo-image.ts';
import { readImage } from '#apps/drover/image/image-directory.ts';
import { isErrorKind } from '#kernel/errors.ts';

export interface DemoImage {
  readonly imagesDir: string;
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly rootDiskPath: string;
}

const CACHE = fileURLToPath(new URL('../node_modules/.cache/drover-test-images', import.meta.url));
/** Kept by itself, so that an image of other sources needs no mirror. */
const PACKAGES = fileURLToPath(new URL('../node_modules/.cache/drover/packages', import.meta.url));
const SOURCES = ['../guest/demo/', '../src/apps/drover/image/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

export async function openDemoImage(): Promise<DemoImage> {
  const imagesDir = join(process.env['DROVER_TEST_IMAGES'] ?? CACHE, digestOf(SOURCES));
  mkdirSync(imagesDir, { recursive: true });
  const directory = await findOrBuild(imagesDir);
  return {
    imagesDir,
    kernelPath: join(directory, 'vmlinuz'),
    initrdPath: join(directory, 'initrd.img'),
    rootDiskPath: join(directory, 'rootfs.ext4'),
  };
}

function digestOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
      const path = join(folder, name);
      if (statSync(path).isFile() && !name.endsWith('.test.ts')) {
        hash.update(`${name}\0`).update(readFileSync(path));
      }
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function findOrBuild(imagesDir: string): Promise<string> {
  try {
    return (await readImage(imagesDir, 'demo')).directory;
  } catch (thrown) {
    if (!isErrorKind(thrown, 'not_found')) throw thrown;
  }
  try {
    const signal = AbortSignal.timeout(300_000);
    const options = { imagesDir, workDir: PACKAGES, signal };
    await buildDemoImage({ ...options, progress: () => undefined });
  } catch (thrown) {
    if (!isErrorKind(thrown, 'already_exists')) throw thrown;
  }
  return (await readImage(imagesDir, 'demo')).directory;
}
