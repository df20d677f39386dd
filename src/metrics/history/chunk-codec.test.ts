import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { DroverError } from '#kernel/errors.ts';
import { decodeChunk, readChunkHeader } from './chunk-decoder.ts';
import { ChunkEncoder, MOST_CHUNK_SAMPLES } from './chunk-encoder.ts';
import { packChunks, unpackChunks } from './chunk-pack.ts';

const START_MS = 1_767_225_600_000;

function encode(values: readonly number[], times?: readonly number[]): Uint8Array {
  const chunk = new ChunkEncoder(3);
  values.forEach((value, at) => chunk.push(times?.[at] ?? START_MS + at * 1000, value));
  return chunk.toBytes();
}

function assertRoundTrip(values: readonly number[], times?: readonly number[]): Uint8Array {
  const bytes = encode(values, times);
  const decoded = decodeChunk(bytes);
  assert.deepEqual([...(decoded.values[0] ?? [])], values);
  assert.deepEqual([...decoded.times], times ?? values.map((_, at) => START_MS + at * 1000));
  assert.deepEqual(readChunkHeader(bytes), { count: values.length, scale: 3, columns: 1 });
  return bytes;
}

/** A stream of numbers that is the same in each run, so that a failure can be looked at. */
function createNoise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function many(count: number, valueAt: (at: number) => number): number[] {
  return Array.from({ length: count }, (_, at) => valueAt(at));
}

const noise = createNoise(1);
let counter = 0;
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'a single sample': [42],
  'a constant': many(3600, () => -7),
  'a straight line': many(3600, (at) => at * 1000),
  'a busy counter': many(3600, () => (counter += Math.floor(noise() * 1e6))),
  'a counter that was reset': many(1000, (at) => (at % 300) * 17),
  'a gauge that wanders': many(1000, (at) => Math.floor(Math.sin(at / 50) * 1e5 + noise() * 100)),
  'a gauge that rests': many(1000, (at) => (at % 97 === 0 ? at : 3)),
  'a gauge between two values': many(1000, () => (noise() < 0.5 ? 10 : 2_000_000)),
  'outliers on both sides': many(1000, (at) => (at % 31 === 0 ? (noise() - 0.5) * 2 ** 40 : 5)).map(
    (value) => Math.trunc(value) + 0,
  ),
  'the largest whole numbers': [
    2 ** 53,
    -(2 ** 53),
    0,
    2 ** 53 - 1,
    1,
    2 ** 51,
    -(2 ** 51),
    2 ** 51,
  ],
  'numbers that are not whole': many(300, (at) => at / 7),
  'the end of a series, and more': [1, 2, NaN, 3, NaN, 4, 4, 4, NaN],
  'nothing but ends': [NaN, NaN],
  'exactly one block': many(128, (at) => at * at),
  'a block and one': many(129, (at) => at * at),
  'noise of all sizes': many(2000, (at) => Math.trunc((noise() - 0.5) * 2 ** (at % 52)) + 0),
};

describe('the chunk codec', () => {
  for (const [name, values] of Object.entries(SHAPES)) {
    it(`brings back ${name}`, () => {
      assertRoundTrip(values);
      const half = new ChunkEncoder(3);
      for (const [at, value] of values.entries()) {
        half.push(START_MS + at, value);
        // To look at an open chunk must not change what it becomes.
        if (at % 50 === 0) half.toBytes();
      }
      assert.deepEqual([...(decodeChunk(half.toBytes()).values[0] ?? [])], values);
    });
  }

  it('brings back instants at any distance', () => {
    const values = many(500, (at) => at);
    let atMs = START_MS;
    assertRoundTrip(
      values,
      values.map(() => (atMs += 1 + Math.floor(noise() * 5000))),
    );
    assertRoundTrip([1, 2, 3], [0, 1, 2 ** 52]);
  });

  it('brings back rows of several columns', () => {
    const chunk = new ChunkEncoder(0, 3);
    const rows = many(300, (at) => at).map((at) => [at, at * at, -at]);
    rows.forEach((row, at) => chunk.pushRow(START_MS + at * 60_000, row));
    const { values, columns } = decodeChunk(chunk.toBytes());
    assert.equal(columns, 3);
    rows.forEach((row, at) =>
      assert.deepEqual(
        values.map((column) => column[at]),
        row.map((v) => v + 0),
      ),
    );
  });

  it('takes almost nothing for what does not change, at equal distances', () => {
    assert.ok(encode(many(3600, () => 1_000_000)).length <= 32);
    assert.ok(encode(many(3600, (at) => at * 1000)).length <= 160);
    const late = many(3600, (at) => START_MS + at * 1000 + (at === 1800 ? 300 : 0));
    const once = encode(
      many(3600, () => 1),
      late,
    );
    assert.ok(once.length <= 48);
  });

  it('takes no instant twice, none back, and no more than its most', () => {
    const chunk = new ChunkEncoder(0);
    chunk.push(1000, 1);
    assert.equal(chunk.accepts(1000), false);
    assert.equal(chunk.accepts(999), false);
    assert.equal(chunk.accepts(1001), true);
    for (let at = 1; at < MOST_CHUNK_SAMPLES; at += 1) chunk.push(1000 + at, 1);
    assert.equal(chunk.accepts(9e12), false);
    assert.equal(decodeChunk(chunk.toBytes()).count, MOST_CHUNK_SAMPLES);
  });

  it('finds out any change of a byte and any end too early', () => {
    const bytes = encode(SHAPES['a gauge that wanders'] ?? []);
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      assert.throws(() => decodeChunk(damaged), { kind: 'data_loss' });
      assert.throws(() => decodeChunk(bytes.subarray(0, at)), { kind: 'data_loss' });
    }
  });

  it('answers or refuses whatever bytes it is given, though their checksum fits', () => {
    const outcomes = { decoded: 0, refused: 0 };
    const attempt = (bytes: Uint8Array) => {
      try {
        const { times, values } = decodeChunk(withChecksum(bytes));
        outcomes.decoded += 1;
        assert.ok(times.length <= MOST_CHUNK_SAMPLES && values.length <= 8);
      } catch (thrown) {
        if (!(thrown instanceof DroverError)) throw thrown;
        assert.equal(thrown.kind, 'data_loss');
        outcomes.refused += 1;
      }
    };
    const shapes = Object.values(SHAPES).map((values) => encode(values).subarray(0, -4));
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = (shapes[round % shapes.length] ?? new Uint8Array()).slice();
      const changes = 1 + Math.floor(noise() * 4);
      for (let change = 0; change < changes; change += 1) {
        bytes[Math.floor(noise() * Math.min(bytes.length, 64))] = Math.floor(noise() * 256);
      }
      attempt(noise() < 0.2 ? bytes.subarray(0, Math.floor(noise() * bytes.length)) : bytes);
    }
    for (let round = 0; round < 2000; round += 1) {
      attempt(Uint8Array.from([1, ...randomBytes(Math.floor(noise() * 60))]));
    }
    assert.ok(outcomes.decoded > 100 && outcomes.refused > 1000, JSON.stringify(outcomes));
  });
});

function withChecksum(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + 4);
  whole.set(bytes);
  new DataView(whole.buffer).setUint32(bytes.length, crc32(bytes));
  return whole;
}

describe('a pack of chunks', () => {
  const chunks = [3, 3, 90].map((seriesId, at) => ({ seriesId, bytes: encode([at, at + 1]) }));

  it('gives back each chunk with its series', () => {
    assert.deepEqual(unpackChunks(packChunks(chunks)), chunks);
  });

  it('loses one chunk to damage in it, and all only to damage before them', () => {
    const pack = packChunks(chunks);
    const directory = pack.length - chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (let at = 0; at < pack.length; at += 1) {
      const damaged = pack.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      if (at < directory) {
        assert.throws(() => unpackChunks(damaged), { kind: 'data_loss' });
        continue;
      }
      const readable = unpackChunks(damaged).filter(({ bytes }) => {
        try {
          return decodeChunk(bytes).count === 2;
        } catch {
          return false;
        }
      });
      assert.equal(readable.length, 2);
    }
  });
});
