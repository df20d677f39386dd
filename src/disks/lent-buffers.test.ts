import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { LentBuffers } from './lent-buffers.ts';

const createBuffers = () => new LentBuffers({ bufferBytes: MIB, isShared: true });

describe('LentBuffers', () => {
  it('lends again what was given back, and nothing else', () => {
    const buffers = createBuffers();
    const first = buffers.take(MIB);
    const second = buffers.take(512);
    assert.equal(second.byteLength, 512);
    assert.ok(first.buffer instanceof SharedArrayBuffer);
    assert.notEqual(first.buffer, second.buffer);
    buffers.giveBack(first);
    buffers.giveBack(new Uint8Array(MIB));
    assert.equal(buffers.take(4096).buffer, first.buffer);
    assert.notEqual(buffers.take(4096).buffer, first.buffer);
  });

  it('lends again what came back in parts only when all of it has', () => {
    const buffers = createBuffers();
    const lent = buffers.take(1000);
    buffers.giveBack(lent.subarray(600));
    buffers.giveBack(lent.subarray(0, 0));
    assert.notEqual(buffers.take(1).buffer, lent.buffer);
    buffers.giveBack(lent.subarray(0, 600));
    assert.equal(buffers.take(1).buffer, lent.buffer);
  });

  it('makes what is longer than it lends, and does not keep it', () => {
    const buffers = createBuffers();
    const long = buffers.take(MIB + 1);
    assert.equal(long.byteLength, MIB + 1);
    buffers.giveBack(long);
    assert.notEqual(buffers.take(MIB + 1).buffer, long.buffer);
  });
});
