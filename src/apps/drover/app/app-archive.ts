/** Packs a folder into a tar.gz while it is being sent: nothing is stored, little is held. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import { pack, type Pack } from 'tar-stream';

import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import type { AppFolder, FolderFile } from './app-folder.ts';

export function packAppFolder(
  { files }: AppFolder,
  onPacked: (byteCount: number) => void,
): Readable {
  const archive = pack();
  const zipped = createGzip();
  // Whatever goes wrong goes to whoever reads `zipped`, which `pipeline` destroys with the error.
  void pipeline(archive, zipped).catch(() => undefined);
  void addAll(archive, files, onPacked).catch((thrown: Error) => void zipped.destroy(thrown));
  return zipped;
}

async function addAll(
  archive: Pack,
  files: readonly FolderFile[],
  onPacked: (byteCount: number) => void,
): Promise<void> {
  for (const file of files) await addFile(archive, file, onPacked);
  archive.finalize();
}

async function addFile(
  archive: Pack,
  { name, path, sizeBytes }: FolderFile,
  onPacked: (byteCount: number) => void,
): Promise<void> {
  // Not through a link that was put there since the folder was looked through.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    (thrown: unknown) => {
      throw invalidArgument(name, `cannot be read (${systemErrorCode(thrown)})`);
    },
  );
  const { size } = await file.stat();
  if (size !== sizeBytes) throw changed(name);
  const entry = archive.entry({ name, size });
  await pipeline(async function* read() {
    let left = size;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      const bytes = chunk as Buffer;
      left -= bytes.length;
      if (left < 0) throw changed(name);
      onPacked(bytes.length);
      yield bytes;
    }
    if (left !== 0) throw changed(name);
  }, entry);
}

function changed(name: string): Error {
  return invalidArgument(name, 'changed while it was being packed; deploy again');
}
