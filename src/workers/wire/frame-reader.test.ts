import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNoise } from '#test/wire-fixture.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Frame } from './frames.ts';
import { FRAME_CODES, MOST_FRAME_BYTES, type SocketFrame } from './socket-codec.ts';

const ERROR = { kind: 'unavailable', message: 'it is gone: ✗', reason: 'WORKER_CRASHED' };
const BINDING = {
  ...{ name: 'shop', version: '1.2.3', directory: '/srv/shop', entrypoint: 'main.ts' },
  env: { COLOUR: 'grün' },
  ...{ allowedHosts: ['*'], grants: [], readableDirectories: [], writableDirectories: [] },
};
const HEAD = {
  ...{ method: 'POST', url: 'http://localhost/käse?a=1', hasBody: false },
  headers: ['set-cookie', 'a=1', 'set-cookie', 'b=2'],
};
const ONE_OF_EACH: readonly SocketFrame[] = [
  { type: 'hello' },
  { type: 'specialise', binding: BINDING },
  { type: 'specialised' },
  { type: 'rejected', error: ERROR },
  { type: 'request', id: 2, head: HEAD, body: undefined },
  { type: 'request', id: 4, head: HEAD, body: new Uint8Array(0) },
  {
    type: 'request',
    id: 2 ** 31 - 2,
    head: { ...HEAD, isUpgrade: true, caller: { kind: 'operator', id: 'ada' } },
    body: undefined,
  },
  { type: 'request', id: 6, head: HEAD, body: Buffer.alloc(20_000, 'long') },
  { type: 'response', id: 2, head: { status: 204, headers: [] }, body: undefined },
  { type: 'response', id: 4, head: { status: 200, headers: ['a', 'b'] }, body: Buffer.from('x') },
  { type: 'data', id: 2, bytes: Buffer.from('short') },
  { type: 'data', id: 2, bytes: Buffer.alloc(64 * 1024, 'data') },
  { type: 'end', id: 2 },
  { type: 'credit', id: 2, byteCount: 4_000_000_000 },
  { type: 'abort', id: 3 },
  { type: 'fail', id: 3, error: { ...ERROR, detail: 'Error: at line 1' } },
  { type: 'idle' },
  { type: 'retire' },
  { type: 'retired' },
  { type: 'stats', stats: { heapUsedBytes: 1, isolateBytes: 2, utilization: 0.5 } },
];

function write(frames: readonly SocketFrame[]): Buffer {
  const writer = new FrameWriter();
  for (const frame of frames) writer.put(frame);
  return Buffer.concat(writer.take());
}

/** With the bytes as plain arrays, so that views and copies of the same bytes are equal. */
function plain(frame: Frame): unknown {
  if (frame.type === 'data') return { ...frame, bytes: Uint8Array.from(frame.bytes) };
  if (frame.type !== 'request' && frame.type !== 'response') return frame;
  return { ...frame, body: frame.body && Uint8Array.from(frame.body) };
}

function cutAtRandom(bytes: Buffer, noise: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  const most = 2 ** Math.floor(noise() * 18);
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + Math.floor(noise() * most);
    chunks.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return chunks;
}

describe('FrameReader', () => {
  it('reads what the writer wrote, however it is cut', () => {
    const bytes = write([...ONE_OF_EACH, ...ONE_OF_EACH]);
    const expected = [...ONE_OF_EACH, ...ONE_OF_EACH].map(plain);
    for (let seed = 0; seed < 30; seed += 1) {
      const frames: unknown[] = [];
      const reader = new FrameReader((frame) => frames.push(plain(frame)));
      for (const chunk of cutAtRandom(bytes, createNoise(seed))) reader.read(chunk);
      assert.deepEqual(frames, expected, `seed ${seed}`);
      assert.equal(reader.isAtBoundary, true);
    }
  });

  it('reads a single byte at a time', () => {
    const frames: Frame[] = [];
    const reader = new FrameReader((frame) => frames.push(frame));
    for (const byte of write([{ type: 'credit', id: 8, byteCount: 5 }])) {
      reader.read(Buffer.of(byte));
    }
    assert.deepEqual(frames, [{ type: 'credit', id: 8, byteCount: 5 }]);
  });

  it('hands out views of the chunk it was given', () => {
    const chunk = write([{ type: 'data', id: 2, bytes: Buffer.from('abc') }]);
    let bytes: Uint8Array | undefined;
    new FrameReader((frame) => {
      if (frame.type === 'data') bytes = frame.bytes;
    }).read(chunk);
    assert.equal(bytes?.buffer, chunk.buffer);
  });

  it('throws an Error, and nothing else, for bytes that are changed at random', () => {
    const bytes = Buffer.concat(
      ONE_OF_EACH.map((frame) => write([frame])).filter((frame) => frame.length < 1000),
    );
    let refused = 0;
    for (let seed = 0; seed < 1000; seed += 1) {
      const noise = createNoise(seed);
      const forged = Buffer.from(bytes);
      for (let count = 0; count < 4; count += 1) {
        forged[Math.floor(noise() * forged.length)] = Math.floor(noise() * 256);
      }
      if (!isReadable(cutAtRandom(forged, noise))) refused += 1;
    }
    assert.ok(refused > 300, `${refused} refused`);
  });

  it('throws an Error, and nothing else, for garbage', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const noise = createNoise(seed);
      const garbage = Buffer.from(Array.from({ length: 400 }, () => Math.floor(noise() * 256)));
      // A length that passes, so that what follows it is looked at as well.
      garbage.writeUInt32LE(5 + Math.floor(noise() * 300), 0);
      garbage[4] = Math.floor(noise() * 20);
      isReadable(cutAtRandom(garbage, noise));
    }
  });

  it('refuses a frame longer than any may be before it has come', () => {
    const chunk = Buffer.alloc(4);
    chunk.writeUInt32LE(MOST_FRAME_BYTES + 1);
    const reader = new FrameReader(() => undefined);
    assert.throws(() => reader.read(chunk), /a length is malformed/);
  });

  for (const [what, json] of [
    ['a status that is text', '{"status":"200","headers":[]}'],
    ['an odd number of headers', '{"status":200,"headers":["a"]}'],
    ['a header that is a number', '{"status":200,"headers":["a",1]}'],
    ['headers that are no list', '{"status":200,"headers":{"length":0}}'],
    ['a head that is null', 'null'],
    ['a head that is no JSON', '{"status":'],
  ] as const) {
    it(`refuses ${what}`, () => {
      const frame = Buffer.alloc(13);
      frame.writeUInt32LE(9 + json.length, 0);
      frame[4] = FRAME_CODES.response;
      frame.writeUInt32LE(json.length, 9);
      const reader = new FrameReader(() => undefined);
      assert.throws(() => reader.read(Buffer.concat([frame, Buffer.from(json)])), Error);
    });
  }
});

describe('FrameWriter', () => {
  it('refuses a frame that the other side would, and goes on with the next', () => {
    const writer = new FrameWriter();
    const head = { status: 200, headers: ['a', 'b'.repeat(MOST_FRAME_BYTES)] };
    assert.throws(() => writer.put({ type: 'response', id: 2, head, body: undefined }), RangeError);
    writer.put({ type: 'end', id: 2 });
    assert.deepEqual(Buffer.concat(writer.take()), write([{ type: 'end', id: 2 }]));
  });

  it('joins short frames into one piece and leaves long bytes as they are', () => {
    const writer = new FrameWriter();
    const bytes = Buffer.alloc(60_000);
    for (let id = 0; id < 100; id += 1) writer.put({ type: 'end', id });
    writer.put({ type: 'data', id: 2, bytes });
    const pieces = writer.take();
    assert.equal(pieces.length, 2);
    assert.equal(pieces[1], bytes);
  });
});

/** Whether it was read without complaint. Whatever is thrown that is no Error goes on. */
function isReadable(chunks: readonly Buffer[]): boolean {
  const reader = new FrameReader(() => undefined);
  try {
    for (const chunk of chunks) reader.read(chunk);
    return true;
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return false;
  }
}
