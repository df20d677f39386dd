import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { LentBuffers } from './lent-buffers.ts';

describe('LentBuffers', () => {
  it('lends again what was given back, and nothing else', () => {
    const buffers = new LentBuffers();
    const first = buffers.take(MIB);
    const second = buffers.take(512);
    assert.ok(first && second);
    assert.equal(second.byteLength, 512);
    assert.notEqual(first.buffer, second.buffer);
    buffers.giveBack(first.subarray(512));
    buffers.giveBack(first);
    buffers.giveBack(new Uint8Array(MIB));
    assert.equal(buffers.take(4096)?.buffer, first.buffer);
    assert.notEqual(buffers.take(4096)?.buffer, first.buffer);
  });

  it('has nothing that is longer than a chunk', () => {
    assert.equal(new LentBuffers().take(MIB + 1), undefined);
  });
});
