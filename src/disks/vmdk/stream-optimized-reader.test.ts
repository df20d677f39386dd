import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import type { DiskChunk, DiskReader } from '#disks/disk-reader.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { convertDisk, DISK_PLANS, someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { isRefusal } from '#test/disks/image-refusal.ts';
import { assertSameContent } from '#test/disks/same-content.ts';
import { buildStream, inPieces } from '#test/disks/vmdk-stream.ts';
import { writeStreamOptimized } from '#test/vsphere/stream-optimized.ts';
import { readStreamOptimized } from './stream-optimized-reader.ts';

const signal = new AbortController().signal;
const GRAIN = 65_536;

let directory = '';
let count = 0;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-stream-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

function fresh(): string {
  count += 1;
  return join(directory, `${count}`);
}

const grain = (number: number, seed = number) => ({
  diskOffset: number * GRAIN,
  data: someBytes(seed + 1, GRAIN),
});

async function readAll(reader: DiskReader, fromOffset = 0): Promise<DiskChunk[]> {
  return await Array.fromAsync(reader.chunks({ fromOffset, signal }));
}

async function readBytes(bytes: Uint8Array): Promise<DiskChunk[]> {
  await using reader = await readStreamOptimized(inPieces(bytes, 4096), { signal });
  return await readAll(reader);
}

const isDamaged = isRefusal('data_loss');

describe('readStreamOptimized', () => {
  // The tables of 3 TiB come first, and take a second to pass by.
  for (const plan of DISK_PLANS.filter(({ bytes }) => bytes < GIB)) {
    it(`gives the content of a disk (${plan.name}), as qemu-img and an ESXi write it`, async () => {
      const raw = fresh();
      writeDisk(raw, plan);
      const streams = [fresh(), fresh()] as const;
      await convertDisk(raw, streams[0], ['vmdk', '-o', 'subformat=streamOptimized']);
      await writeStreamOptimized(raw, streams[1]);
      for (const stream of streams) {
        await using reader = await readStreamOptimized(
          createReadStream(stream, { highWaterMark: MIB }),
          {
            ...{ signal, expectedCapacity: plan.bytes },
          },
        );
        await assertSameContent(reader, raw);
      }
    });
  }

  it('takes pieces of any length', async () => {
    const stream = buildStream({ capacityBytes: MIB, grains: [grain(0), grain(3), grain(15)] });
    for (const length of [13, 511, 512, 513, 65_537, stream.byteLength]) {
      await using reader = await readStreamOptimized(inPieces(stream, length), { signal });
      const chunks = await readAll(reader);
      assert.deepEqual(
        chunks.map(({ offset }) => offset),
        [0, 3 * GRAIN, 15 * GRAIN],
      );
      assert.ok(
        chunks.every(({ data, offset }) => someBytes(offset / GRAIN + 1, GRAIN).equals(data)),
      );
    }
  });

  it('knows the capacity before any data came', async () => {
    const stream = buildStream({ capacityBytes: 3 * MIB, grains: [grain(5)] });
    await using reader = await readStreamOptimized(inPieces(stream.subarray(0, GRAIN), 512), {
      signal,
    });
    assert.equal(reader.capacityBytes, 3 * MIB);
  });

  it('refuses a disk of another capacity than is expected', async () => {
    const stream = buildStream({ capacityBytes: MIB, grains: [] });
    await assert.rejects(
      readStreamOptimized(inPieces(stream, 512), { signal, expectedCapacity: 2 * MIB }),
      /a disk of 1048576 bytes, and one of 2097152 was expected/,
    );
  });

  it('leaves out what lies before the offset, and still checks it', async () => {
    const stream = buildStream({ capacityBytes: MIB, grains: [grain(0), grain(3), grain(4)] });
    await using reader = await readStreamOptimized(inPieces(stream, 4096), { signal });
    const chunks = await readAll(reader, 3 * GRAIN + 512);
    assert.deepEqual(
      chunks.map(({ offset, data }) => [offset, data.byteLength]),
      [[3 * GRAIN + 512, 2 * GRAIN - 512]],
    );
  });

  it('gives grains that are out of order as they come', async () => {
    const grains = [grain(700), grain(3), grain(512), grain(0)];
    const chunks = await readBytes(buildStream({ capacityBytes: 64 * MIB, grains }));
    assert.deepEqual(
      chunks.map(({ offset }) => offset / GRAIN),
      [700, 3, 512, 0],
    );
  });

  it('finds out wherever the stream is cut off', async () => {
    const ours = buildStream({ capacityBytes: MIB, grains: [grain(0), grain(9)] });
    const raw = fresh();
    writeDisk(raw, { bytes: MIB, writes: [{ offset: 0, data: someBytes(1, GRAIN) }] });
    const qemus = fresh();
    await convertDisk(raw, qemus, ['vmdk', '-o', 'subformat=streamOptimized']);
    for (const stream of [ours, readFileSync(qemus)]) {
      // What qemu-img pads with may be missing: its tables come first, and are enough.
      const needed = stream === ours ? stream.byteLength : stream.findLastIndex(Boolean);
      for (let end = 0; end < needed; end += 1024) {
        await assert.rejects(readBytes(stream.subarray(0, end)), isDamaged, `cut off at ${end}`);
        await assert.rejects(readBytes(stream.subarray(0, end + 100)), isDamaged, `${end} + 100`);
      }
      await readBytes(stream);
    }
  });

  it('knows a grain that came under the name of another', async () => {
    const plan = { capacityBytes: 128 * MIB, grains: [grain(0), grain(600)] };
    for (const other of [1, 512, 1500]) {
      const stream = buildStream(plan);
      stream.writeUInt32LE(other * 128, GRAIN);
      await assert.rejects(readBytes(stream), /are not those that its grain tables/);
    }
  });

  it('says how many grains are missing', async () => {
    const plan = { capacityBytes: MIB, grains: [grain(0), grain(1), grain(2)] };
    const whole = buildStream(plan);
    const less = buildStream({ ...plan, grains: plan.grains.slice(0, 2) });
    // The beginning of one, and the tables of the other.
    const cut = less.byteLength - (5 + 4) * 512;
    const tables = whole.subarray(whole.byteLength - (5 + 4) * 512);
    await assert.rejects(
      readBytes(Buffer.concat([less.subarray(0, cut), tables])),
      /never came|not where its footer says/,
    );
  });

  it('refuses a stream that goes on after its end, but for padding', async () => {
    const stream = buildStream({ capacityBytes: MIB, grains: [grain(1)] });
    assert.equal((await readBytes(Buffer.concat([stream, Buffer.alloc(GRAIN)]))).length, 1);
    await assert.rejects(readBytes(Buffer.concat([stream, Buffer.of(0, 1)])), /goes on after/);
    await assert.rejects(readBytes(Buffer.concat([stream, Buffer.alloc(2 * MIB)])), /goes on/);
  });

  it('refuses grains that come twice, lie outside, or are not aligned', async () => {
    const capacityBytes = 64 * MIB;
    const refused = [
      { grains: [grain(1), grain(1)], why: /grain 1 comes twice/ },
      { grains: [grain(1), grain(900), grain(1)], why: /grain 1 comes twice/ },
      { grains: [grain(1024)], why: /where none can be/ },
      { grains: [{ ...grain(1), diskOffset: GRAIN + 512 }], why: /where none can be/ },
    ];
    for (const { grains, why } of refused) {
      // The directory has room for a table that no disk of this capacity has.
      const stream = buildStream({ capacityBytes, grains });
      await assert.rejects(readBytes(stream), isRefusal('data_loss', why));
    }
  });

  it('never inflates a grain to more than a grain', async () => {
    const bomb = deflateSync(Buffer.alloc(16 * MIB));
    const plan = { capacityBytes: MIB, grains: [grain(0)], packed: () => bomb };
    // It is given up, and not found to be too long when all of it is there.
    await assert.rejects(readBytes(buildStream(plan)), (thrown) => {
      assert.ok(thrown instanceof DroverError && thrown.kind === 'data_loss');
      return thrown.cause instanceof Error && thrown.cause.message === 'it is too long';
    });
    const half = { ...plan, packed: () => deflateSync(Buffer.alloc(GRAIN / 2)) };
    await assert.rejects(readBytes(buildStream(half)), /inflates to 32768 bytes instead of 65536/);
    const long = { ...plan, packed: () => Buffer.alloc(GRAIN * 2) };
    await assert.rejects(readBytes(buildStream(long)), /says it is too long/);
  });

  it('refuses what is no whole disk, or of a version to come', async () => {
    const plan = { capacityBytes: MIB, grains: [] };
    const delta = '# Disk DescriptorFile\nparentCID=12345678\nparentFileNameHint="base.vmdk"\n';
    await assert.rejects(
      readBytes(buildStream({ ...plan, descriptor: delta })),
      isRefusal('failed_precondition', /"base\.vmdk"/),
    );
    await assert.rejects(readBytes(buildStream({ ...plan, version: 4 })), /version 4/);
    await assert.rejects(
      readBytes(buildStream({ ...plan, footerCapacity: 2 * MIB })),
      /contradicts/,
    );
  });

  it('finds a flipped bit in any of the bytes that mean something', async () => {
    const plan = { capacityBytes: MIB, grains: [grain(0), grain(5)] };
    const stream = buildStream(plan);
    const good = await readBytes(stream);
    for (let at = 0; at < stream.byteLength; at += at < 512 ? 5 : at < GRAIN ? 8209 : 401) {
      const flipped = Buffer.from(stream);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
      // A bit that says nothing about the disk may be flipped; all others are noticed.
      const chunks = await readBytes(flipped).catch((thrown: unknown) => {
        assert.ok(isDamaged(thrown) || isErrorKind(thrown, 'failed_precondition'));
      });
      if (chunks !== undefined) assert.deepEqual(chunks, good, `the bit at ${at}`);
    }
  });

  it('is read once', async () => {
    const stream = buildStream({ capacityBytes: MIB, grains: [] });
    await using reader = await readStreamOptimized(inPieces(stream, 512), { signal });
    await readAll(reader);
    await assert.rejects(readAll(reader), /only once/);
  });

  it(
    'ends at once when the signal says so, though the sender hangs',
    { timeout: 5000 },
    async () => {
      const stream = buildStream({ capacityBytes: MIB, grains: [grain(0), grain(1)] });
      const hang = Promise.withResolvers<void>();
      async function* stuck() {
        yield stream.subarray(0, GRAIN * 2);
        await hang.promise;
      }
      const stop = new AbortController();
      await using reader = await readStreamOptimized(stuck(), { signal });
      const reading = Array.fromAsync(reader.chunks({ signal: stop.signal }));
      stop.abort(new Error('enough'));
      await assert.rejects(reading, /enough/);
    },
  );

  it('tells the sender when nobody wants more, and asks for no more than it works on', async () => {
    const grains = Array.from({ length: 200 }, (_, i) => grain(i, 5));
    const stream = buildStream({ capacityBytes: 64 * MIB, grains });
    let sent = 0;
    let isClosed = false;
    async function* sender() {
      try {
        for (let at = 0; at < stream.byteLength; at += 4096) {
          yield stream.subarray(at, at + 4096);
          sent += 4096;
        }
      } finally {
        isClosed = true;
      }
    }
    {
      await using reader = await readStreamOptimized(sender(), { signal, batchesAtOnce: 2 });
      for await (const { offset } of reader.chunks({ signal })) {
        if (offset === 16 * GRAIN) break;
      }
    }
    assert.ok(isClosed);
    assert.ok(sent < stream.byteLength / 2, `${sent} of ${stream.byteLength} bytes were sent`);
  });
});
