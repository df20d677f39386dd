import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineView, fillSearch, sparseSearch } from './view.ts';

const VIEW = defineView({
  path: '/machines',
  title: 'Machines',
  search: { q: '', sort: 'name' },
  load: () => Promise.reject(new Error('not loaded here')),
});

describe('a view', () => {
  it('knows its parameters, and no others', () => {
    const raw = { q: 'web', sort: 7, evil: 'x' };
    assert.deepEqual(fillSearch(VIEW, raw), { q: 'web', sort: 'name' });
  });

  it('leaves the defaults out of the address', () => {
    assert.deepEqual(sparseSearch(VIEW, { q: 'web', sort: 'name' }), { q: 'web' });
  });
});
