/** Disks to try readers and writers with: raw files, mostly holes, of the kinds that go wrong. */
import { execFile } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { GIB, MIB } from '#kernel/units.ts';

export interface DiskPlan {
  readonly name: string;
  readonly bytes: number;
  readonly writes: readonly { readonly offset: number; readonly data: Uint8Array }[];
}

const GRAIN = 64 * 1024;

/** The same bytes each time, of which a part is hard to compress. */
export function someBytes(seed: number, length: number): Buffer {
  const data = Buffer.alloc(length);
  let state = seed * 2654435761 + 1;
  for (let at = 0; at + 4 <= length; at += 4) {
    // Every other stretch of 4 KiB is as a text would be.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data.writeUInt32LE((at & 4096) === 0 ? state : 0x6f6c6c65 + (state >>> 30), at);
  }
  return data;
}

function scattered(seed: number, bytes: number, count: number): DiskPlan['writes'] {
  const places = someBytes(seed, count * 4);
  const writes = [];
  for (let i = 0; i < count; i += 1) {
    const offset = (places.readUInt32LE(i * 4) % (bytes / 4096)) * 4096;
    writes.push({ offset, data: someBytes(i, 4096) });
  }
  return writes;
}

const at = (offset: number, length: number) => ({ offset, data: someBytes(offset + 1, length) });

export const DISK_PLANS: readonly DiskPlan[] = [
  {
    name: 'not a multiple of the grain',
    bytes: 5 * MIB + 3 * 512,
    writes: [at(MIB, 200 * 1024), at(5 * MIB - 512, 4 * 512)],
  },
  { name: 'empty', bytes: 4 * MIB, writes: [] },
  {
    name: '3 TiB, sparse',
    bytes: 3072 * GIB,
    writes: [at(0, 512), at(2048 * GIB - 4096, 70_144), at(3072 * GIB - 1024, 1024)],
  },
  { name: 'scattered', bytes: 40 * MIB, writes: scattered(7, 40 * MIB, 100) },
  { name: 'zeros at the end', bytes: 3 * MIB, writes: [at(0, MIB)] },
  { name: 'one grain', bytes: GRAIN, writes: [at(0, GRAIN)] },
  { name: 'one sector', bytes: 512, writes: [at(0, 512)] },
  { name: 'full', bytes: 2 * MIB + GRAIN, writes: [at(0, 2 * MIB + GRAIN)] },
];

export function writeDisk(path: string, { bytes, writes }: Omit<DiskPlan, 'name'>): void {
  const fd = openSync(path, 'wx');
  try {
    ftruncateSync(fd, bytes);
    for (const { offset, data } of writes) writeSync(fd, data, 0, data.byteLength, offset);
  } finally {
    closeSync(fd);
  }
}

const run = promisify(execFile);

/** By Debian's qemu-utils. */
export async function convertDisk(
  from: string,
  to: string,
  options: readonly string[],
): Promise<void> {
  await run('qemu-img', ['convert', '-f', 'raw', '-O', ...options, from, to]);
}
