import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseManifest } from './manifest.ts';

describe('a manifest', () => {
  it('is read as ovftool, VirtualBox and openssl write it', () => {
    const [one, two] = ['a'.repeat(40), 'B'.repeat(64)];
    const text = `SHA1(web.ovf)= ${one}\r\nSHA256 (a (1).vmdk) = ${two}\r\n\r\n`;
    assert.deepEqual(
      [...parseManifest(text)],
      [
        ['web.ovf', { algorithm: 'sha1', digest: one }],
        ['a (1).vmdk', { algorithm: 'sha256', digest: two.toLowerCase() }],
      ],
    );
  });

  it('is refused where a line is not understood, rather than passed over', () => {
    for (const line of [
      'SHA256(a)= 12',
      'MD5(a)= 0123456789abcdef0123456789abcdef',
      'nonsense',
      `SHA1(a)= ${'0'.repeat(40)}\nSHA1(a)= ${'1'.repeat(40)}`,
    ]) {
      assert.throws(() => parseManifest(line), { kind: 'data_loss' });
    }
  });
});
