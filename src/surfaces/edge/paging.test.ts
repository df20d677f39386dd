import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPageToken, parsePageSize, parsePageToken } from './paging.ts';

describe('a page size', () => {
  for (const [given, size] of [
    [undefined, 50],
    [0, 50],
    ['', 50],
    ['0', 50],
    [1, 1],
    ['1000', 1000],
  ]) {
    it(`of ${JSON.stringify(given)} means ${size}`, () => {
      assert.equal(parsePageSize(given), size);
    });
  }

  for (const given of [-1, 1001, '1001', 1.5, NaN, '5x', '-3', true, {}]) {
    it(`of ${JSON.stringify(given)} (${typeof given}) is refused by the name of its field`, () => {
      assert.throws(() => parsePageSize(given), {
        kind: 'invalid_argument',
        metadata: { field: 'page_size' },
      });
    });
  }
});

describe('a page token', () => {
  it('comes back as the position it was made from', () => {
    const token = createPageToken({ createdAt: 1_767_225_600_000, id: 'vm_1' }, 'state=RUNNING');
    assert.match(token, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(parsePageToken(token, 'state=RUNNING'), {
      kind: 'keyset',
      createdAt: 1_767_225_600_000,
      id: 'vm_1',
    });
  });

  it('that is absent means the first page', () => {
    for (const token of [undefined, null, '']) assert.equal(parsePageToken(token, ''), undefined);
  });

  it('of the documented form is an offset', () => {
    assert.deepEqual(parsePageToken('eyJvZmZzZXQiOjUwfQ==', 'any'), { kind: 'offset', offset: 50 });
  });

  it('made for another filter is refused', () => {
    const token = createPageToken({ createdAt: 1, id: 'vm_1' }, 'state=RUNNING');
    assert.throws(() => parsePageToken(token, 'state=PAUSED'), /made for another filter/);
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const token of [
    'not base64!',
    'x'.repeat(513),
    42,
    encode('text'),
    encode({}),
    encode({ offset: -1 }),
    encode({ offset: 1.5 }),
    encode({ offset: 1e300 }),
    encode({ v: 2, k: [1, 'a'], f: '' }),
    encode({ v: 1, k: ['1', 'a'], f: '' }),
    encode({ v: 1, k: [1, ''], f: '' }),
    encode({ v: 1, k: [1, 'a', 'b'], f: '' }),
  ]) {
    it(`like ${String(token).slice(0, 30)} is refused by the name of its field`, () => {
      assert.throws(() => parsePageToken(token, ''), {
        kind: 'invalid_argument',
        metadata: { field: 'page_token' },
      });
    });
  }
});
