import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BandwidthShare, type Share } from './bandwidth-share.ts';

function rateOf({ pace }: Share): number | undefined {
  return new Float64Array(pace)[0];
}

describe('BandwidthShare', () => {
  it('gives everybody all there is while there is no limit', () => {
    using copy = new BandwidthShare(undefined).join('one');
    assert.equal(rateOf(copy), 0);
  });

  it('divides the limit of all among those who copy, as they come and go', () => {
    const bandwidth = new BandwidthShare(900);
    using first = bandwidth.join('one');
    assert.equal(rateOf(first), 900);
    {
      using second = bandwidth.join('one');
      using third = bandwidth.join('two');
      assert.deepEqual([first, second, third].map(rateOf), [300, 300, 300]);
    }
    assert.equal(rateOf(first), 900);
    bandwidth.setLimit(undefined);
    assert.equal(rateOf(first), 0);
  });

  it("divides a job's limit among its disks, and lifts it", () => {
    const bandwidth = new BandwidthShare(undefined);
    using first = bandwidth.join('one');
    using second = bandwidth.join('one');
    using other = bandwidth.join('two');
    bandwidth.setJobLimit('one', 100);
    assert.deepEqual([first, second, other].map(rateOf), [50, 50, 0]);
    bandwidth.setJobLimit('one', undefined);
    assert.deepEqual([first, second, other].map(rateOf), [0, 0, 0]);
  });

  it('never stops a copy altogether', () => {
    using copy = new BandwidthShare(0.001).join('one');
    assert.equal(rateOf(copy), 1);
  });
});
