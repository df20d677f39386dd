import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eitherFlag, eitherName } from './either-name.ts';

describe('a field with two names', () => {
  it('is known by the name the caller used', () => {
    assert.deepEqual(eitherName('disk', ['path', '/a'], ['path_on_host', undefined]), {
      field: 'disk.path',
      value: '/a',
    });
    assert.deepEqual(eitherName('disk', ['path', ''], ['path_on_host', '/b']), {
      field: 'disk.path_on_host',
      value: '/b',
    });
  });

  it('may be given twice alike', () => {
    const both = eitherName('disk', ['path', '/a'], ['path_on_host', '/a']);
    assert.equal(both.value, '/a');
  });

  it('is refused by both names when they contradict', () => {
    assert.throws(
      () => eitherName('disk', ['path', '/a'], ['path_on_host', '/b']),
      /disk\.path and disk\.path_on_host say different things/,
    );
    assert.throws(() => eitherFlag('disk', ['read_only', true], ['is_read_only', false]));
  });

  it('takes a flag from either name', () => {
    assert.equal(eitherFlag('d', ['read_only', false], ['is_read_only', true]), true);
    assert.equal(eitherFlag('d', ['read_only', true], ['is_read_only', undefined]), true);
    assert.equal(eitherFlag('d', ['read_only', false], ['is_read_only', false]), false);
  });
});
