import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { tokenBucketArgs, tokenBucketOf } from './rate-limit.ts';

describe('tokenBucketOf', () => {
  it('keeps a rate and a burst that work as they are', () => {
    const bucket = tokenBucketOf({ bytesPerSecond: 1e8, burstBytes: 2e7, refillMs: 100 });
    assert.equal(bucket.bytesPerSecond, 1e8);
    assert.equal(bucket.burstBytes, 2e7);
  });

  it('makes the bucket hold what flows in between two refills', () => {
    const slow = tokenBucketOf({ bytesPerSecond: 2e6, burstBytes: 1, refillMs: 100 });
    assert.equal(slow.burstBytes, 200_000);
    const quick = tokenBucketOf({ bytesPerSecond: 2e6, burstBytes: 1, refillMs: 0 });
    assert.equal(quick.burstBytes, 20_000);
  });

  it('never makes a bucket too small for a frame, or larger than tc can count', () => {
    for (const bytesPerSecond of [1, 100, 1e6, 1e12]) {
      for (const burstBytes of [0, 1500, 1e12]) {
        const bucket = tokenBucketOf({ bytesPerSecond, burstBytes, refillMs: 1 });
        assert.ok(bucket.burstBytes >= 2048);
        assert.ok(bucket.queueBytes <= 2 ** 32 - 1);
        assert.ok(bucket.burstBytes / bucket.bytesPerSecond <= 250);
      }
    }
  });

  it('is written in bytes', () => {
    const bucket = { bytesPerSecond: 2_000_000, burstBytes: 200_000, queueBytes: 400_000 };
    assert.equal(tokenBucketArgs(bucket), 'tbf rate 2000000bps burst 200000b limit 400000b');
  });
});
