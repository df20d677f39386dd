import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearMisses } from './near-misses.ts';

const KNOWN = { vm_path: true, metadata: true, source: { type: true, username: true } } as const;

describe('names that are nearly right', () => {
  it('are told of, with what was probably meant', () => {
    assert.deepEqual(nearMisses({ vm_pth: 'a', source: { usrname: 'b' } }, KNOWN), [
      'vm_pth: is ignored; did you mean vm_path?',
      'source.usrname: is ignored; did you mean username?',
    ]);
  });

  it('are not those that are right, nor those that are like none', () => {
    const given = { vm_path: 'a', colour: 'red', metadata: { vm_pth: 1 }, source: { type: 'x' } };
    assert.deepEqual(nearMisses(given, KNOWN), []);
  });

  it('are not looked for in what is no map', () => {
    for (const given of [undefined, null, 'vm_pth', ['vm_pth'], 1]) {
      assert.deepEqual(nearMisses(given, KNOWN), []);
    }
  });

  it('are told of twenty times at most, and no longer than that is of use', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`vm_path${at}`, 1]));
    assert.equal(nearMisses(many, KNOWN).length, 20);
    const [told = ''] = nearMisses({ [`vm_path${'x'.repeat(10_000)}`]: 1 }, KNOWN);
    assert.ok(told.length < 200);
  });
});
