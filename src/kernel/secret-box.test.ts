import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SECRET_KEY_BYTES, SecretBox } from './secret-box.ts';

const key = Buffer.alloc(SECRET_KEY_BYTES, 7);
const box = new SecretBox(key);

describe('a secret box', () => {
  for (const secret of ['', 'hunter2', 'ünï\u0000cödé 🦊', 'x'.repeat(10_000)]) {
    it(`gives back what was sealed (${secret.slice(0, 10)})`, () => {
      const sealed = box.seal(secret, 'here');
      assert.ok(secret === '' || !sealed.includes(secret));
      assert.equal(new SecretBox(key).open(sealed, 'here'), secret);
    });
  }

  it('never seals the same way twice', () => {
    assert.notEqual(box.seal('a', 'here'), box.seal('a', 'here'));
  });

  it('does not open at another place', () => {
    assert.throws(() => box.open(box.seal('a', 'here'), 'there'), { reason: 'SECRET_DAMAGED' });
  });

  it('says so when the key is another one, and names both', () => {
    const other = new SecretBox(Buffer.alloc(SECRET_KEY_BYTES, 8));
    assert.throws(() => other.open(box.seal('a', 'here'), 'here'), {
      kind: 'failed_precondition',
      reason: 'SECRET_KEY_CHANGED',
      metadata: { sealed_under: box.keyId, key_in_use: other.keyId },
    });
  });

  it('notices each changed byte', () => {
    const sealed = box.seal('secret', 'here');
    const [version, id, nonce, text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const damaged = [version, id, nonce, changed.toString('base64url')].join('.');
      assert.throws(() => box.open(damaged, 'here'), { kind: 'data_loss' });
    }
  });

  for (const text of ['', 'v1', 'v2.a.b.c', `v1.${box.keyId}.AA.AA`, `v1.${box.keyId}.A.B.C`]) {
    it(`answers an error for ${JSON.stringify(text)}`, () => {
      assert.throws(() => box.open(text, 'here'), { kind: 'data_loss' });
    });
  }
});
