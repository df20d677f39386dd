/** Says whether what a reader gives is the disk that a raw file holds, byte for byte. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import type { DiskReader } from '#disks/disk-reader.ts';
import { openFileRangeSource } from '#disks/file-range-source.ts';
import { MIB } from '#kernel/units.ts';

const signal = new AbortController().signal;

export interface SameContentOptions {
  readonly fromOffset?: number;
  /** What the messages call the reader. */
  readonly of?: string;
}

export async function assertSameContent(
  reader: DiskReader,
  rawPath: string,
  { fromOffset = 0, of = 'the image' }: SameContentOptions = {},
): Promise<void> {
  await using raw = await openFileRangeSource(rawPath);
  const fd = openSync(rawPath, 'r');
  try {
    assert.equal(reader.capacityBytes, raw.sizeBytes, `the capacity of ${of}`);
    let end = fromOffset;
    for await (const { offset, data } of reader.chunks({ fromOffset, signal })) {
      assert.ok(offset >= end, `a chunk of ${of} at ${offset} after ${end}`);
      assert.ok(data.byteLength > 0 && data.byteLength <= MIB, `${data.byteLength} bytes at once`);
      assert.equal(offset % 512, 0);
      assert.equal(data.byteLength % 512, 0);
      await assertZero(raw, fd, end, offset);
      const expected = readRange(fd, offset, data.byteLength);
      assert.ok(expected.equals(data), `${data.byteLength} bytes of ${of} at ${offset}`);
      end = offset + data.byteLength;
    }
    assert.ok(end <= raw.sizeBytes, `no chunk of ${of} reaches past the capacity`);
    await assertZero(raw, fd, end, raw.sizeBytes);
  } finally {
    closeSync(fd);
  }
}

type Source = Awaited<ReturnType<typeof openFileRangeSource>>;

/** Between two chunks. */
async function assertZero(raw: Source, fd: number, from: number, to: number): Promise<void> {
  for (let at = from; at < to;) {
    const stretch = await raw.nextData(at, signal);
    if (stretch === undefined || stretch.offset >= to) return;
    const length = Math.min(MIB, stretch.length, to - stretch.offset);
    const bytes = readRange(fd, stretch.offset, length);
    assert.ok(
      bytes.equals(Buffer.alloc(length)),
      `${length} bytes at ${stretch.offset} are missing`,
    );
    at = stretch.offset + length;
  }
}

function readRange(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, offset);
  return bytes;
}
