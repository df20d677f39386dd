import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isErrorKind } from '#kernel/errors.ts';
import { ByteSplitter } from './byte-splitter.ts';
import { inOrder } from './ordered-window.ts';

const signal = new AbortController().signal;

async function* pieces(...lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let next = 0;
  for (const length of lengths) yield Uint8Array.from({ length }, () => (next += 1) & 0xff);
}

describe('ByteSplitter', () => {
  it('cuts any stream into any lengths', async () => {
    const lengths = fc.array(fc.nat(20), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lengths, lengths, async (sent, wanted) => {
        await using splitter = new ByteSplitter(pieces(...sent), signal);
        const total = sent.reduce((sum, length) => sum + length, 0);
        let at = 0;
        for (const length of wanted) {
          if (at + length > total) {
            const late = splitter.take(length, 'it');
            await assert.rejects(late, (thrown) => isErrorKind(thrown, 'data_loss'));
            return;
          }
          const taken = await splitter.take(length, 'it');
          assert.deepEqual(
            [...taken],
            Array.from({ length }, (_, i) => (at + i + 1) & 0xff),
          );
          at += length;
          assert.equal(splitter.position, at);
        }
        assert.equal(await splitter.isAtEnd(), at === total);
      }),
      { numRuns: 200 },
    );
  });

  it('makes no copy of what came in one piece', async () => {
    const sent = new Uint8Array(100);
    async function* one() {
      yield sent;
    }
    await using splitter = new ByteSplitter(one(), signal);
    await splitter.skip(10, 'it');
    assert.equal((await splitter.take(50, 'it')).buffer, sent.buffer);
    assert.equal(splitter.takeNow(41), undefined);
    assert.equal(splitter.takeNow(40)?.buffer, sent.buffer);
  });
});

describe('inOrder', () => {
  it('gives results in the order of the items, and works on so many at a time', async () => {
    const finish: (() => void)[] = [];
    let [underWay, most] = [0, 0];
    const work = async (item: number) => {
      underWay += 1;
      most = Math.max(most, underWay);
      const { promise, resolve } = Promise.withResolvers<void>();
      finish.push(resolve);
      // Each time as many as may be under way are, the last of them ends first.
      if (finish.length === 3 || item === 8) for (const end of finish.splice(0).reverse()) end();
      await promise;
      underWay -= 1;
      return item * 10;
    };
    async function* items() {
      for (let item = 0; item < 9; item += 1) yield item;
    }
    assert.deepEqual(
      await Array.fromAsync(inOrder(items(), work, 3)),
      [0, 10, 20, 30, 40, 50, 60, 70, 80],
    );
    assert.equal(most, 3);
  });

  it('fails with the first that failed, and leaves no other failure unheard', async () => {
    async function* items() {
      yield* [1, 2, 3];
    }
    const work = (item: number) => Promise.reject(new Error(`item ${item}`));
    await assert.rejects(Array.fromAsync(inOrder(items(), work, 3)), /item 1/);
  });
});
