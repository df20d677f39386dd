import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';

import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';

/** What is sent, and how many bytes of its source are in it so far. */
export interface UploadContent {
  readonly content: Readable;
  readonly totalBytes: number;
  readonly sentBytes: () => number;
}

/** The bytes that the file has now; `name` is what the caller calls it. */
export async function openFileContent(name: string, currentDir: string): Promise<UploadContent> {
  const path = resolve(currentDir, name);
  const stats = await stat(path).catch((thrown: unknown) => {
    throw invalidArgument(name, `cannot be read (${systemErrorCode(thrown)})`);
  });
  if (!stats.isFile()) throw invalidArgument(name, 'must be a file');
  let sent = 0;
  const content = Readable.from(
    readFile({ path, name, size: stats.size }, (count) => (sent += count)),
  );
  return { content, totalBytes: stats.size, sentBytes: () => sent };
}

interface SizedFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

async function* readFile(
  { path, name, size }: SizedFile,
  onRead: (byteCount: number) => void,
): AsyncGenerator<Buffer, void> {
  let left = size;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) break;
      onRead(chunk.length);
      yield chunk;
    }
  } catch (thrown) {
    throw invalidArgument(name, `cannot be read (${systemErrorCode(thrown)})`);
  }
  // It was announced as long as it was.
  if (left !== 0) throw invalidArgument(name, 'was changed while it was sent; send it again');
}
