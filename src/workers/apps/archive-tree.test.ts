import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArchiveTree, type EntryHead } from './archive-tree.ts';

const LIMITS = { totalBytes: 1000, fileBytes: 600, entries: 10, ratio: 200 };

function refusalOf(...entries: readonly Partial<EntryHead>[]): string {
  const tree = new ArchiveTree(LIMITS);
  try {
    for (const entry of entries) tree.admit({ name: 'x', type: 'file', size: 0, ...entry });
  } catch (thrown) {
    return String(thrown);
  }
  return 'nothing';
}

describe('ArchiveTree', () => {
  it('makes the folders that a file lies in, once, and knows what was made', () => {
    const tree = new ArchiveTree(LIMITS);
    const steps = [
      ...tree.admit({ name: './', type: 'directory', size: 0 }),
      ...tree.admit({ name: './a/b/c.txt', type: 'file', size: 3 }),
      ...tree.admit({ name: 'a/', type: 'directory', size: 0 }),
      ...tree.admit({ name: 'a/d', type: 'directory', size: 0 }),
    ];
    assert.deepEqual(steps, [
      { make: 'folder', path: 'a' },
      { make: 'folder', path: 'a/b' },
      { make: 'file', path: 'a/b/c.txt' },
      { make: 'folder', path: 'a/d' },
    ]);
    assert.deepEqual([tree.fileCount, tree.sizeBytes], [1, 3]);
  });

  const HOSTILE: Readonly<Record<string, readonly [string, RegExp]>> = {
    'an absolute path': ['/etc/passwd', /absolute/],
    'a way out': ['../x', /must not have \.\./],
    'a way out from within': ['a/../../x', /must not have \.\./],
    'a way out behind ./': ['./../x', /must not have \.\./],
    'a way out at the end': ['a/..', /must not have \.\./],
    'a dot as a part': ['a/./b', /must not have \./],
    'two dots and slashes in front': ['././a', /must not have \./],
    'an empty part': ['a//b', /empty part/],
    'no name': ['', /no name/],
    'a dot as the name': ['.', /no name/],
    'a slash behind a file': ['a/', /empty part/],
    'a backslash': ['a\\..\\b', /backslash/],
    'a NUL': ['a\0b', /control characters/],
    'a line feed': ['a\nb', /control characters/],
    'an escape sequence': ['a\u001b[2Jb', /control characters/],
    'a C1 control': ['a\u009bb', /control characters/],
    'bytes that are no UTF-8': [Buffer.from([0x61, 0xff]).toString('utf8'), /not UTF-8/],
    'a part of 256 bytes': ['é'.repeat(128), /more than 255 bytes/],
    'a name of 1025 bytes': [`${'a/'.repeat(512)}a`, /over 1024 bytes/],
    'a file 33 folders deep': [`${'a/'.repeat(32)}a`, /folders deep/],
  };
  for (const [what, [name, expected]] of Object.entries(HOSTILE)) {
    it(`refuses ${what}`, () => assert.match(refusalOf({ name }), expected));
  }

  const TYPES: Readonly<Record<string, RegExp>> = {
    symlink: /"x" is a symbolic link/,
    link: /"x" is a hard link/,
    'character-device': /"x" is a device/,
    'block-device': /"x" is a device/,
    fifo: /"x" is a named pipe/,
    'contiguous-file': /unknown type/,
    unknown: /unknown type/,
  };
  for (const [type, expected] of Object.entries(TYPES)) {
    it(`refuses the type ${type}, by name`, () => assert.match(refusalOf({ type }), expected));
  }

  it('refuses a folder with contents', () => {
    assert.match(refusalOf({ type: 'directory', size: 5 }), /folder with contents/);
  });

  it('refuses a second file of the same name, and a file for a folder or the reverse', () => {
    assert.match(refusalOf({ name: 'a' }, { name: './a' }), /there twice/);
    assert.match(refusalOf({ name: 'a' }, { name: 'a/b' }), /lies in a, which is a file/);
    assert.match(refusalOf({ name: 'a/b' }, { name: 'a' }), /there twice/);
    assert.match(refusalOf({ name: 'a' }, { name: 'a', type: 'directory' }), /there twice/);
    assert.equal(refusalOf({ name: 'a' }, { name: 'A' }), 'nothing');
  });

  it('keeps the limits on one file, all files and their number, folders counted', () => {
    assert.match(refusalOf({ size: 601 }), /larger than 600 B/);
    assert.match(refusalOf({ name: 'a', size: 600 }, { name: 'b', size: 401 }), /more than 1000 B/);
    const many = Array.from({ length: 6 }, (_, at) => ({ name: `${at}/f` }));
    assert.match(refusalOf(...many), /more than 10 files and folders/);
  });

  it('refuses sizes that are none', () => {
    for (const size of [-1, NaN, 2 ** 60, 1.5]) {
      assert.match(refusalOf({ size }), /no possible size/, String(size));
    }
  });

  it('shows a long or odd name cut and quoted', () => {
    const refusal = refusalOf({ name: `/${'x'.repeat(5000)}` });
    assert.ok(refusal.length < 300, refusal);
    assert.match(refusalOf({ name: 'a\u001bb' }), /"a\\u001bb"/);
  });
});
