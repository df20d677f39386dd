/**
 * How far a process is that reads a file and writes it elsewhere, as the kernel tells of it: virsh
 * says nothing before its end. Where there is no /proc, nobody knows.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface UploadMeter {
  /** All that it has written anywhere, so without the holes of the file; undefined: unknown. */
  writtenBytes(): Promise<number | undefined>;
  /** Where in the file it is, holes included; undefined while it has not opened it. */
  position(): Promise<number | undefined>;
}

export function openUploadMeter(pid: number, file: string): UploadMeter {
  const directory = `/proc/${pid}`;
  let descriptor: string | undefined;
  return {
    writtenBytes: async () => numberIn(await readIfThere(join(directory, 'io')), /^wchar: (\d+)$/m),
    position: async () => {
      const isStill = async (name: string) => (await linkOf(directory, name)) === file;
      if (descriptor === undefined || !(await isStill(descriptor))) {
        descriptor = await findDescriptor(directory, file);
      }
      if (descriptor === undefined) return undefined;
      const text = await readIfThere(join(directory, 'fdinfo', descriptor));
      return numberIn(text, /^pos:\s+(\d+)$/m);
    },
  };
}

async function findDescriptor(directory: string, file: string): Promise<string | undefined> {
  for (const name of (await orUndefined(readdir(join(directory, 'fd')))) ?? []) {
    if ((await linkOf(directory, name)) === file) return name;
  }
  return undefined;
}

async function linkOf(directory: string, descriptor: string): Promise<string | undefined> {
  return await orUndefined(readlink(join(directory, 'fd', descriptor)));
}

async function readIfThere(path: string): Promise<string> {
  return (await orUndefined(readFile(path, 'utf8'))) ?? '';
}

/** The process may end at any moment, and another user's may not be looked into. */
async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  return await reading.catch(() => undefined);
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
