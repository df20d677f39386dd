import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPathMatcher, parseVmPath } from './vm-path.ts';

describe('a path of a VM', () => {
  it('has no slashes at its ends', () => {
    assert.equal(parseVmPath('/DC/vm/web/'), 'DC/vm/web');
  });

  for (const path of ['', '/', 'a//b', 'a\u0000b', 'a'.repeat(5000)]) {
    it(`is not ${JSON.stringify(path.slice(0, 20))}`, () => {
      assert.throws(() => parseVmPath(path), /vm_path: must be like/);
    });
  }
});

describe('a pattern of paths', () => {
  const rows: readonly (readonly [pattern: string, path: string, fits: boolean])[] = [
    ['DC/vm/*', 'DC/vm/web', true],
    ['DC/vm/*', 'DC/vm/prod/web', false],
    ['DC/vm/*/web-*', 'DC/vm/prod/web-1', true],
    ['DC/vm/*/web-*', 'DC/vm/prod/web', false],
    ['*/vm/a*b*c', 'DC/vm/axxbyyc', true],
    ['*/vm/a*b*c', 'DC/vm/axxbyyd', false],
    ['web-*', 'DC/vm/prod/web-1', true],
    ['web', 'DC/vm/prod/web', true],
    ['web', 'DC/vm/prod/webs', false],
    ['**', 'DC/vm/web', true],
    ['a.b', 'DC/vm/axb', false],
    ['DC/vm/web%2f*', 'DC/vm/web%2f2', true],
  ];
  for (const [pattern, path, fits] of rows) {
    it(`${pattern} ${fits ? 'fits' : 'does not fit'} ${path}`, () => {
      assert.equal(createPathMatcher(pattern)(path), fits);
    });
  }

  it('takes no longer for one that is made to', () => {
    const matches = createPathMatcher(`${'*a'.repeat(50)}b`);
    assert.equal(matches('a'.repeat(4000)), false);
  });
});
