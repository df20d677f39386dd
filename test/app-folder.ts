/** A folder with the files of an app that is too broken, or too particular, to be in test/apps. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface AppFolder extends AsyncDisposable {
  readonly path: string;
}

export async function openAppFolder(files: Readonly<Record<string, string>>): Promise<AppFolder> {
  const path = await mkdtemp(join(tmpdir(), 'drover-app-'));
  const dispose = () => rm(path, { recursive: true, force: true });
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
  return { path, [Symbol.asyncDispose]: dispose };
}
