import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Chain, ChainNode } from './chain.ts';

describe('a chain', () => {
  const nodesOf = (...names: string[]) => names.map((name) => new ChainNode(name));

  it('keeps its order while members leave from anywhere and come back', () => {
    const chain = new Chain<string>();
    const [a, b, c, d] = nodesOf('a', 'b', 'c', 'd');
    assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
    for (const node of [a, b, c]) chain.push(node);
    chain.unshift(d);
    assert.deepEqual([...chain], ['d', 'a', 'b', 'c']);
    assert.ok(chain.remove(a));
    assert.ok(!chain.remove(a));
    chain.push(d);
    assert.deepEqual([...chain], ['b', 'c', 'd']);
    assert.deepEqual([chain.first, chain.last, chain.length], ['b', 'd', 3]);
    assert.deepEqual(
      [chain.shift(), chain.shift(), chain.shift(), chain.shift()],
      ['b', 'c', 'd', undefined],
    );
    assert.equal(chain.length, 0);
  });

  it('gives a member up to the next chain that takes it', () => {
    const [one, other] = [new Chain<string>(), new Chain<string>()];
    const [node] = nodesOf('a');
    assert.ok(node !== undefined);
    one.push(node);
    other.unshift(node);
    assert.deepEqual([one.length, other.length], [0, 1]);
    assert.equal(one.first, undefined);
  });

  it('can be walked while the member at hand leaves', () => {
    const chain = new Chain<ChainNode<string>>();
    for (const node of nodesOf('a', 'b', 'c')) chain.push(new ChainNode(node));
    const seen: string[] = [];
    for (const node of chain) {
      seen.push(node.value);
      chain.shift();
    }
    assert.deepEqual(seen, ['a', 'b', 'c']);
  });
});
