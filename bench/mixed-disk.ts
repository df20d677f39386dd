/** Disks of mixed content, as a server's is: what compresses, what does not, and nothing. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { MIB } from '#kernel/units.ts';

const KIB = 1024;
/** Of 8 MiB each; the rest is nothing. */
const TEXT_MIB = 3;
const NOISE_MIB = 2;
const CYCLE_MIB = 8;

/** A raw image with holes. */
export async function writeMixedDisk(path: string, sizeMib: number): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(sizeMib * MIB);
  for (let at = 0; at < sizeMib; at += CYCLE_MIB) await writeCycle(file, at);
}

/** A stream-optimized VMDK. */
export async function writeStreamedDisk(path: string, sizeMib: number): Promise<void> {
  const raw = `${path}.raw`;
  await writeMixedDisk(raw, sizeMib);
  await promisify(execFile)('qemu-img', [
    ...['convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized'],
    ...[raw, path],
  ]);
  await rm(raw);
}

async function writeCycle(file: FileHandle, at: number): Promise<void> {
  for (let text = 0; text < TEXT_MIB; text += 1) {
    await file.write(makeText(), 0, MIB, (at + text) * MIB);
  }
  const noise = randomBytes(NOISE_MIB * MIB);
  await file.write(noise, 0, noise.byteLength, (at + TEXT_MIB) * MIB);
}

/** Words of a small language in no order: deflate makes a third of it. */
function makeText(): Buffer {
  const choices = randomBytes(512 * KIB);
  const words: string[] = [];
  let length = 0;
  for (let at = 0; length <= MIB; at += 2) {
    const word = (choices.readUInt16LE(at) % 4096).toString(26).padStart(2 + (at % 9), 'lorem ');
    words.push(word);
    length += word.length + 1;
  }
  return Buffer.from(words.join(' ').slice(0, MIB), 'latin1');
}
