import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeCapabilities } from './capabilities.ts';

describe('describeCapabilities', () => {
  it('says of VDDK whether it can be used, and else what to do', async () => {
    const state = { obstacle: 'nbdkit is not installed; install it' };
    const { capabilities } = await describeCapabilities({ state: async () => state });
    assert.deepEqual((capabilities as Record<string, unknown>)['vddk'], {
      ...{ available: false, reason: state.obstacle, method: 'vddk', priority: 3 },
    });
  });
});
