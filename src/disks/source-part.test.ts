import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemorySource } from '#test/disks/memory-source.ts';
import type { RangeSource } from './byte-source.ts';
import { createSourcePart } from './source-part.ts';

const { signal } = new AbortController();
const BYTES = Buffer.from('0123456789');

/** With data from 2 to 4 and from 6 to 9. */
function sparse(): RangeSource {
  const stretches = [
    { offset: 2, length: 2 },
    { offset: 6, length: 3 },
  ];
  const source = new MemorySource(BYTES);
  return {
    sizeBytes: source.sizeBytes,
    read: (offset, length) => source.read(offset, length),
    nextData: async (at) => {
      const found = stretches.find(({ offset, length }) => offset + length > at);
      const start = Math.max(found?.offset ?? 0, at);
      return found && { offset: start, length: found.offset + found.length - start };
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

describe('a part of a source', () => {
  it('reads what is in it, and nothing beyond', async () => {
    const part = createSourcePart(new MemorySource(BYTES), { offset: 3, length: 4 });
    assert.equal(part.sizeBytes, 4);
    assert.equal(Buffer.from(await part.read(1, 3, signal)).toString(), '456');
    await assert.rejects(part.read(1, 4, signal), { kind: 'data_loss' });
    await assert.rejects(part.read(-1, 2, signal), { kind: 'data_loss' });
  });

  it('has the holes of the source, where they are in it', async () => {
    const part = createSourcePart(sparse(), { offset: 3, length: 4 });
    assert.deepEqual(await part.nextData(0, signal), { offset: 0, length: 1 });
    assert.deepEqual(await part.nextData(1, signal), { offset: 3, length: 1 });
    assert.equal(await part.nextData(4, signal), undefined);
    const hole = createSourcePart(sparse(), { offset: 0, length: 2 });
    assert.equal(await hole.nextData(0, signal), undefined);
  });

  it('is refused where the source has ended', () => {
    const source = new MemorySource(BYTES);
    assert.throws(() => createSourcePart(source, { offset: 8, length: 3 }), { kind: 'data_loss' });
  });
});
