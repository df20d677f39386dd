import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { someBytes } from '#test/disks/generated-disk.ts';
import { InflateLane } from './inflate-lane.ts';

const MOST = 65_536;

describe('InflateLane', () => {
  it('inflates piece after piece, of any length, and changes none of those before', async () => {
    using lane = new InflateLane(MOST);
    const given: { got: Uint8Array; expected: Buffer }[] = [];
    for (const length of [MOST, MOST, 512, MOST, 1, MOST, MOST - 1, MOST, MOST, MOST, 40_000]) {
      const expected = someBytes(given.length, length);
      given.push({ got: await lane.inflate(deflateSync(expected)), expected });
      assert.ok(!lane.isSpent);
    }
    for (const { got, expected } of given) assert.ok(expected.equals(got));
  });

  it('is spent by a piece that is cut off, broken, too long, or not zlib at all', async () => {
    const good = deflateSync(someBytes(1, MOST));
    const broken = Buffer.from(good);
    broken.writeUInt8(broken.readUInt8(3000) ^ 1, 3000);
    const pieces = [
      good.subarray(0, -1),
      good.subarray(0, 100),
      broken,
      deflateSync(Buffer.alloc(MOST + 1)),
      deflateSync(Buffer.alloc(MOST * 100)),
      Buffer.alloc(1000, 7),
      deflateSync(Buffer.alloc(0)),
    ];
    for (const piece of pieces) {
      using lane = new InflateLane(MOST);
      await lane.inflate(good);
      await assert.rejects(lane.inflate(piece));
    }
  });

  it('does not mind bytes behind the end, but takes no more after them', async () => {
    using lane = new InflateLane(MOST);
    const piece = someBytes(1, 3000);
    const longer = Buffer.concat([deflateSync(piece), Buffer.alloc(700)]);
    assert.ok(piece.equals(await lane.inflate(longer)));
    assert.ok(lane.isSpent);
  });

  it('fails whoever waits when it is disposed', async () => {
    const lane = new InflateLane(MOST);
    const waiting = lane.inflate(deflateSync(Buffer.alloc(MOST)));
    lane[Symbol.dispose]();
    await assert.rejects(waiting, /nobody waits/);
  });
});
