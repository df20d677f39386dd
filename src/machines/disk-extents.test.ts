import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeExtents, encodeExtent } from './disk-extents.ts';

const HOLE = 5 * 1024 ** 4;

async function decode(body: Buffer, pieceBytes: number, most = Infinity) {
  async function* pieces() {
    for (let at = 0; at < body.length; at += pieceBytes) {
      yield body.subarray(at, at + pieceBytes);
    }
  }
  let left = most;
  const onLength = (length: number) => {
    left -= length;
    if (left < 0) throw new RangeError('too much');
  };
  let told = '';
  for await (const extent of decodeExtents(pieces(), onLength)) {
    told += 'zeros' in extent ? ` ${extent.zeros} zeros ` : Buffer.from(extent).toString();
  }
  return told;
}

const BODY = Buffer.concat([
  ...[encodeExtent('data', 4), Buffer.from('abcd'), encodeExtent('zeros', HOLE)],
  ...[encodeExtent('data', 2), Buffer.from('ef')],
]);

describe('decodeExtents', () => {
  it('finds data and zeros, in whatever pieces they come', async () => {
    for (const pieceBytes of [BODY.length, 1, 2, 3, 5, 8, 12]) {
      assert.equal(await decode(BODY, pieceBytes), `abcd ${HOLE} zeros ef`);
    }
    assert.equal(await decode(Buffer.alloc(0), 1), '');
  });

  it('asks before it gives any of an extent whether it may be so long', async () => {
    assert.equal(await decode(BODY, 100, HOLE + 6), `abcd ${HOLE} zeros ef`);
    await assert.rejects(decode(BODY, 100, HOLE + 5), RangeError);
    await assert.rejects(decode(encodeExtent('zeros', 8), 100, 7), RangeError);
  });

  it('refuses what is no extent', async () => {
    const refusals: readonly (readonly [Buffer, RegExp])[] = [
      [Buffer.from([2, 0, 0, 0, 0, 0, 9]), /has an extent of the kind 2/],
      [encodeExtent('zeros', 0), /has an extent of no bytes/],
      [encodeExtent('data', 0), /has an extent of no bytes/],
      [BODY.subarray(0, 3), /ends inside an extent/],
      [BODY.subarray(0, BODY.length - 1), /ends inside an extent/],
    ];
    for (const [body, message] of refusals) {
      await assert.rejects(decode(body, 4), { kind: 'invalid_argument', message });
    }
  });
});
