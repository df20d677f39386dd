import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFrames, type Frame } from './rpc-frames.ts';

function frame(flags: number, text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [flags, 0, 0, 0, bytes.length, ...bytes];
}

async function* inPieces(bytes: readonly number[], size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield Uint8Array.from(bytes.slice(at, at + size));
}

describe('readFrames', () => {
  const bytes = [...frame(0, '{"vm":"ä"}'), ...frame(0, ''), ...frame(2, '{}')];

  for (const size of [1, 3, 7, 100]) {
    it(`reads frames that come in pieces of ${size}`, async () => {
      const frames: Frame[] = [];
      for await (const each of readFrames(inPieces(bytes, size))) frames.push(each);
      assert.deepEqual(frames, [
        { isEnd: false, text: '{"vm":"ä"}' },
        { isEnd: false, text: '' },
        { isEnd: true, text: '{}' },
      ]);
    });
  }

  it('refuses a length that nobody would send', async () => {
    const hostile = inPieces([0, 255, 255, 255, 255], 5);
    await assert.rejects(readFrames(hostile).next(), /too long/);
  });
});
