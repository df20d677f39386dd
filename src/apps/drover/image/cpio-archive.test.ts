import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createCpioArchive } from './cpio-archive.ts';

const HEADER_BYTES = 110;

function field(archive: Buffer, at: number, index: number): number {
  const start = at + 6 + index * 8;
  return Number.parseInt(archive.toString('ascii', start, start + 8), 16);
}

describe('a cpio archive', () => {
  it('holds a file as header, padded name and padded content, and ends with a trailer', () => {
    const content = Buffer.from('hello');
    const archive = createCpioArchive([{ kind: 'file', path: 'a/bc', content, mode: 0o755 }]);

    assert.equal(archive.toString('ascii', 0, 6), '070701');
    assert.equal(field(archive, 0, 1), 0o100755);
    assert.equal(field(archive, 0, 6), content.length);
    assert.equal(field(archive, 0, 11), 'a/bc'.length + 1);
    assert.equal(archive.toString('ascii', HEADER_BYTES, HEADER_BYTES + 5), 'a/bc\0');
    // 110 + 5 bytes of header and name are padded to 116, 5 of content to 8.
    assert.equal(archive.toString('ascii', 116, 124), 'hello\0\0\0');
    assert.equal(archive.toString('ascii', 124, 130), '070701');
    assert.equal(
      archive.toString('ascii', 124 + HEADER_BYTES, 124 + HEADER_BYTES + 11),
      'TRAILER!!!\0',
    );
    assert.equal(archive.length % 4, 0);
  });

  it('tells directories and links by their mode, and holds a link’s target as its content', () => {
    const archive = createCpioArchive([
      { kind: 'directory', path: 'bin' },
      { kind: 'symlink', path: 'bin/sh', target: 'busybox' },
    ]);
    const second = archive.indexOf('070701', 1);

    assert.equal(field(archive, 0, 1), 0o040755);
    assert.equal(field(archive, second, 1), 0o120777);
    assert.equal(field(archive, second, 6), 'busybox'.length);
    assert.notEqual(field(archive, 0, 0), field(archive, second, 0));
  });

  it('is the same for the same entries', () => {
    const entries = [{ kind: 'directory', path: 'dev' }] as const;
    assert.deepEqual(createCpioArchive(entries), createCpioArchive(entries));
  });
});
