/**
 * The image directory of whole-program tests: a copy of the demo image for each test process,
 * where QEMU's own user can read it wherever the clone lies, and where tests add what they need;
 * and beside it the guests that are no Linux.
 */
import { chmod, cp, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { makeBareKernel } from '#test/bare-kernel.ts';
import { openDemoImage } from '#test/demo-image.ts';

let directory: Promise<string> | undefined;

export async function sharedImagesDir(): Promise<string> {
  directory ??= copyDemoImage();
  return await directory;
}

async function copyDemoImage(): Promise<string> {
  const { kernelPath } = await openDemoImage();
  // A folder of images may hold links to the version that was built last.
  const demoDir = await realpath(dirname(kernelPath));
  const copy = await mkdtemp(join(tmpdir(), 'drover-e2e-images-'));
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
  await chmod(copy, 0o755);
  await cp(demoDir, join(copy, 'demo'), { recursive: true });
  const says = 'drover-demo ready: bare\n';
  await writeFile(join(copy, 'bare'), makeBareKernel({ says }));
  await writeFile(join(copy, 'deaf'), makeBareKernel({ says, isDeaf: true }));
  return copy;
}
