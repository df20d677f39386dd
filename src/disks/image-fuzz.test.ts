/**
 * Images as nobody would write them. Real ones are changed at places that mean something, and what
 * comes of it is a disk within its bounds or a refusal in words: never a crash, a read outside of
 * the file, or memory that a number in a header asked for.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { convertDisk, someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { MemorySource } from '#test/disks/memory-source.ts';
import { inPieces } from '#test/disks/vmdk-stream.ts';
import { writeStreamOptimized } from '#test/vsphere/stream-optimized.ts';
import type { DiskReader } from './disk-reader.ts';
import { openDiskImageIn } from './open-disk-image.ts';
import { readStreamOptimized } from './vmdk/stream-optimized-reader.ts';

const signal = new AbortController().signal;
const GRAIN = 65_536;
const CAPACITY = 40 * MIB;
const REFUSALS = ['data_loss', 'invalid_argument', 'failed_precondition', 'unimplemented'];
/** A whole disk of what fits into the few hundred KiB of these files, and then some. */
const MOST_CHUNKS = 20_000;

interface Subject {
  readonly name: string;
  /** Compressed grains carry a checksum: what is given of the disk is then right. */
  readonly isChecked?: boolean;
  readonly runs: number;
  readonly make: (image: string) => Promise<void>;
}

const converted = (...options: readonly string[]) => ({
  name: options.join(' '),
  runs: 100,
  make: (image: string) => convertDisk(raw, image, options),
});

const SUBJECTS: readonly Subject[] = [
  converted('qcow2'),
  converted('qcow2', '-c'),
  converted('qcow2', '-c', '-o', 'compression_type=zstd'),
  converted('vmdk'),
  { ...converted('vmdk', '-o', 'subformat=monolithicFlat'), runs: 15 },
  converted('vmdk', '-o', 'subformat=twoGbMaxExtentSparse'),
  { ...converted('vmdk', '-o', 'subformat=streamOptimized'), isChecked: true },
  {
    name: 'a stream of an ESXi',
    isChecked: true,
    runs: 150,
    make: (image) => writeStreamOptimized(raw, image),
  },
];

let directory = '';
let raw = '';
let original = Buffer.alloc(0);
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-fuzz-'));
  raw = join(directory, 'disk.raw');
  const places = [0, 3, 4, 520, 639].map((grain) => grain * GRAIN);
  const writes = places.map((offset) => ({ offset, data: someBytes(offset, 9000) }));
  writeDisk(raw, { bytes: CAPACITY, writes });
  original = readFileSync(raw);
});
after(() => rmSync(directory, { recursive: true, force: true }));

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 128, 512, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fe00),
  fc.nat(0xffff_ffff),
  fc.nat(0xffff),
);
/** Where headers are, or at any place that held something. */
const place = fc.oneof(fc.record({ header: fc.nat(112) }), fc.record({ used: fc.nat(2 ** 31) }));
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ place, word, littleEndian: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ place, flip: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ place, copyFrom: place }) },
  { weight: 1, arbitrary: fc.record({ cutAt: place }) },
);
const changes = fc.array(change, { minLength: 1, maxLength: 4 });

type Place = typeof place extends fc.Arbitrary<infer T> ? T : never;
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** One word in so many that is not zero. */
function findUsed(image: Buffer): readonly number[] {
  const used: number[] = [];
  for (let at = 0; at + 4 <= image.byteLength; at += 4) {
    // Grains are many words that mean nothing by themselves; tables and markers are few.
    const isData = used.length > 3 && at - (used.at(-4) ?? 0) <= 16;
    if (image.readUInt32LE(at) !== 0 && (!isData || at % 1024 === 0)) used.push(at);
  }
  return used;
}

function apply(image: Buffer, used: readonly number[], all: readonly Change[]): Buffer {
  const changed = Buffer.from(image);
  let end = image.byteLength;
  const toOffset = (at: Place) =>
    Math.min('header' in at ? at.header : (used[at.used % used.length] ?? 0), image.byteLength - 8);
  for (const each of all) {
    if ('cutAt' in each) end = Math.min(end, toOffset(each.cutAt) + 4);
    else if ('copyFrom' in each) {
      const from = toOffset(each.copyFrom);
      changed.copy(changed, toOffset(each.place), from, from + 64);
    } else if ('flip' in each) {
      const at = toOffset(each.place);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << each.flip), at);
    } else if (each.littleEndian) changed.writeUInt32LE(each.word, toOffset(each.place));
    else changed.writeUInt32BE(each.word, toOffset(each.place));
  }
  return changed.subarray(0, end);
}

/** True when a disk was read to its end. */
async function read(open: () => Promise<DiskReader>, isChecked: boolean): Promise<boolean> {
  try {
    await using reader = await open();
    const { capacityBytes } = reader;
    assert.ok(capacityBytes >= 0 && capacityBytes <= 64 * 2 ** 40 && capacityBytes % 512 === 0);
    let [end, count] = [0, 0];
    for await (const { offset, data } of reader.chunks({ signal })) {
      assert.ok(offset >= end && offset % 512 === 0, `a chunk at ${offset} after ${end}`);
      assert.ok(data.byteLength > 0 && data.byteLength <= MIB);
      end = offset + data.byteLength;
      assert.ok(end <= capacityBytes);
      count += 1;
      assert.ok(count < MOST_CHUNKS, 'more data than the file can hold');
      if (isChecked) assert.ok(original.subarray(offset, end).equals(data), `bytes at ${offset}`);
    }
    return true;
  } catch (thrown) {
    if (!(thrown instanceof DroverError)) throw thrown;
    assert.ok(REFUSALS.includes(thrown.kind), thrown.kind);
    return false;
  }
}

describe('a damaged image', () => {
  for (const { name, isChecked = false, runs, make } of SUBJECTS) {
    it(`is read or refused, never more (${name})`, { timeout: 60_000 }, async () => {
      const folder = mkdtempSync(join(directory, 'image-'));
      await make(join(folder, 'disk.vmdk'));
      const files: ReadonlyMap<string, Buffer> = new Map(
        readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]),
      );
      const images = [...files].filter(([file]) => !file.includes('-flat'));
      assert.ok(
        await read(() => openFrom(files), isChecked),
        'what nobody damaged can be read to the end',
      );
      for (const [file, image] of images) {
        const used = findUsed(image);
        const property = fc.asyncProperty(changes, async (all) => {
          const damaged = new Map(files).set(file, apply(image, used, all));
          // Where the magic is gone it is raw, and as good as any.
          await read(() => openFrom(damaged), false);
        });
        await fc.assert(property, { numRuns: Math.ceil(runs / images.length) });
      }
    });
  }

  for (const { name, runs, make } of SUBJECTS.filter(({ isChecked }) => isChecked)) {
    it(`is all there or refused, as a stream (${name})`, { timeout: 60_000 }, async () => {
      const path = join(mkdtempSync(join(directory, 'stream-')), 'disk.vmdk');
      await make(path);
      const image = readFileSync(path);
      const used = findUsed(image);
      const open = (bytes: Uint8Array) => () =>
        readStreamOptimized(inPieces(bytes, GRAIN), { signal, expectedCapacity: CAPACITY });
      assert.ok(await read(open(image), true));
      let survivors = 0;
      const property = fc.asyncProperty(changes, async (all) => {
        if (await read(open(apply(image, used, all)), true)) survivors += 1;
      });
      await fc.assert(property, { numRuns: runs });
      assert.ok(survivors < runs / 2, `${survivors} of ${runs} changes went unnoticed`);
    });
  }
});

async function openFrom(files: ReadonlyMap<string, Buffer>): Promise<DiskReader> {
  const openSibling = async (name: string) => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new DroverError('failed_precondition', `no ${name}`);
    return new MemorySource(bytes);
  };
  const image = files.get('disk.vmdk');
  assert.ok(image !== undefined);
  return await openDiskImageIn(new MemorySource(image), { signal, openSibling });
}
