import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { createTestCertificates } from '#test/certificates.ts';
import { parseThumbprint, parseTrust } from './http-trust.ts';

function invalid(field: string, message: RegExp) {
  return { kind: 'invalid_argument', metadata: { field }, message };
}

describe('parseTrust', () => {
  const sha256 = 'AB:'.repeat(31) + 'CD';
  const nobody = { ca: undefined, thumbprint: undefined, isInsecure: false };

  it('believes the system when nothing is said, and everybody only when told to', () => {
    assert.deepEqual(parseTrust({}), nobody);
    assert.deepEqual(parseTrust({ ca: ' ', thumbprint: '' }), nobody);
    assert.deepEqual(parseTrust({ insecure: true }), { ...nobody, isInsecure: true });
  });

  it('takes one way to trust and no two', () => {
    const { ca } = createTestCertificates();
    for (const [settings, field] of [
      [{ insecure: true, thumbprint: sha256 }, 'insecure'],
      [{ insecure: true, ca: ca.cert }, 'insecure'],
      [{ ca: ca.cert, thumbprint: sha256 }, 'thumbprint'],
    ] as const) {
      assert.throws(() => parseTrust(settings), invalid(field, /leave/));
    }
    assert.equal(parseTrust({ thumbprint: sha256 }).thumbprint, `${'ab'.repeat(31)}cd`);
  });

  it('keeps the certificates of a CA file and nothing beside them', () => {
    const { ca, server } = createTestCertificates();
    const given = `subject=/CN=ca\r\n${ca.cert.replaceAll('\n', '\r\n')}\n${server.cert}\n# end`;
    const kept = parseTrust({ ca: given }).ca ?? '';
    const [first, second, ...others] = kept.split(/(?<=END CERTIFICATE-----)\n/).filter(Boolean);
    assert.equal(others.length, 0);
    assert.equal(
      new X509Certificate(first ?? '').fingerprint256,
      new X509Certificate(ca.cert).fingerprint256,
    );
    assert.equal(new X509Certificate(second ?? '').subject, 'CN=server');
  });

  it('refuses what is no certificate', () => {
    const { ca } = createTestCertificates();
    const broken = ca.cert.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
    for (const text of ['x', ca.key, broken, ca.cert.slice(0, 100), ca.cert.repeat(101)]) {
      assert.throws(() => parseTrust({ ca: text }), invalid('ca', /certificates in PEM/));
    }
    assert.throws(() => parseTrust({ ca: 'x'.repeat(300_000) }), invalid('ca', /256 KiB/));
  });
});

describe('parseThumbprint', () => {
  const digits = 'ab'.repeat(32);
  for (const text of [
    digits.toUpperCase(),
    'AB:'.repeat(31) + 'ab',
    ` sha256 Fingerprint=${'AB:'.repeat(31)}AB\n`,
    `SHA-256:${digits}`,
  ]) {
    it(`reads ${text.trim().slice(0, 30)}`, () => {
      assert.equal(parseThumbprint(text), digits);
    });
  }

  it('refuses SHA-1, and says how to get the better one', () => {
    const sha1 = 'AB:'.repeat(19) + 'AB';
    const expected = invalid('thumbprint', /SHA-1 .* can be forged; .*openssl .*-sha256/);
    assert.throws(() => parseThumbprint(sha1), expected);
  });

  for (const text of ['ab', 'zz'.repeat(32), `${digits}ab`]) {
    it(`refuses ${text.slice(0, 20)}`, () => {
      const expected = invalid('thumbprint', /SHA-256 of 64 hexadecimal digits/);
      assert.throws(() => parseThumbprint(text), expected);
    });
  }
});
