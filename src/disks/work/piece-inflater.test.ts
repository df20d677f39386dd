import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { someBytes } from '#test/disks/generated-disk.ts';
import { PieceInflater } from './piece-inflater.ts';

const MOST = 65_536;

const WAYS = {
  'the stream that is used again': () => new PieceInflater(),
  'a new stream for each piece': () => new PieceInflater(() => undefined),
};

for (const [way, create] of Object.entries(WAYS)) {
  describe(`PieceInflater, by ${way}`, () => {
    it('inflates piece after piece, of any length, into the memory it is given', () => {
      using inflater = create();
      const memory = new Uint8Array(new SharedArrayBuffer(MOST + 2)).fill(7);
      for (const length of [MOST, 512, MOST, 0, 1, MOST - 1, 40_000, MOST]) {
        const expected = someBytes(length, length);
        const into = memory.subarray(1, MOST + 1);
        assert.equal(inflater.inflate(deflateSync(expected), into), length);
        assert.ok(expected.equals(into.subarray(0, length)));
        assert.deepEqual([memory.at(0), memory.at(-1)], [7, 7]);
      }
    });

    it('does not mind bytes behind the end of a piece', () => {
      using inflater = create();
      for (const length of [3000, MOST]) {
        const piece = someBytes(1, length);
        const into = new Uint8Array(MOST);
        const longer = Buffer.concat([deflateSync(piece), Buffer.alloc(700, 1)]);
        assert.equal(inflater.inflate(longer, into), length);
        assert.ok(piece.equals(into.subarray(0, length)));
      }
    });

    it('refuses what is cut off, broken, too long, or not zlib, and goes on after it', () => {
      using inflater = create();
      const good = deflateSync(someBytes(1, MOST));
      const into = new Uint8Array(MOST);
      const broken = Buffer.from(good);
      broken.writeUInt8(broken.readUInt8(3000) ^ 1, 3000);
      const ofOtherSum = Buffer.from(good);
      ofOtherSum.writeUInt8(ofOtherSum.readUInt8(good.length - 1) ^ 1, good.length - 1);
      const refused = {
        ...{ 'cut off in its sum': good.subarray(0, -1), 'cut off': good.subarray(0, 100) },
        ...{ broken, 'of another sum': ofOtherSum, 'not zlib': Buffer.alloc(1000, 7) },
        'longer by a byte': deflateSync(Buffer.alloc(MOST + 1)),
        'much longer': deflateSync(Buffer.alloc(MOST * 100)),
        nothing: Buffer.alloc(0),
      };
      for (const [what, piece] of Object.entries(refused)) {
        assert.throws(() => inflater.inflate(piece, into), what);
        assert.equal(inflater.inflate(good, into), MOST, `after ${what}`);
      }
    });
  });
}

describe('PieceInflater', () => {
  it('finds in this Node what it uses a stream again by', () => {
    using inflater = new PieceInflater();
    assert.ok(inflater.isReusing);
  });
});
