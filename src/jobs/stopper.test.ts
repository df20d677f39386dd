import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Stopper } from './stopper.ts';

describe('Stopper', () => {
  it('aborts its signal with the reason, whether it was asked for before or after', () => {
    const early = new Stopper();
    const { signal } = early;
    assert.equal(signal.aborted, false);
    early.stop('cancelled');
    const late = new Stopper();
    late.stop('cancelled');
    for (const aborted of [signal, late.signal]) {
      assert.throws(() => aborted.throwIfAborted(), { kind: 'cancelled', reason: 'CANCELLED' });
    }
    assert.equal(early.signal, signal);
    assert.equal(late.signal, late.signal);
  });

  it('keeps the first reason, unless a later one is that the lease is lost', () => {
    const stopper = new Stopper();
    stopper.stop('cancelled');
    stopper.stop('shutdown');
    assert.equal(stopper.reason, 'cancelled');
    stopper.stop('lease-lost');
    assert.equal(stopper.reason, 'lease-lost');
    assert.throws(() => stopper.signal.throwIfAborted(), { reason: 'LEASE_LOST' });
  });
});
