/** Whose certificates are believed over TLS, and how people say so. */
import { X509Certificate } from 'node:crypto';
import { DroverError, invalidArgument } from './errors.ts';

const LONGEST_CA = 256 * 1024;
const MOST_AUTHORITIES = 100;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const SHA1_DIGITS = 40;
const SHA256_DIGITS = 64;

export interface HttpTrust {
  /** PEM of the authorities to believe instead of the system's. */
  readonly ca: string | undefined;
  /** SHA-256 of the one certificate to believe, in lower-case hex without colons. */
  readonly thumbprint: string | undefined;
  readonly isInsecure: boolean;
}

export interface TrustSettings {
  /** PEM of one or more authorities. */
  readonly ca?: string | undefined;
  readonly thumbprint?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** Whom to believe; nobody but the system's authorities when nothing is said. */
export function parseTrust({ ca, thumbprint, insecure = false }: TrustSettings): HttpTrust {
  const hasCa = ca !== undefined && ca.trim() !== '';
  const hasThumbprint = thumbprint !== undefined && thumbprint.trim() !== '';
  if (insecure && (hasCa || hasThumbprint)) {
    throw invalidArgument(
      'insecure',
      `believes every certificate; leave it out, or leave out ${hasCa ? 'ca' : 'thumbprint'}`,
    );
  }
  if (hasCa && hasThumbprint) {
    throw invalidArgument('thumbprint', 'is enough by itself; leave it out, or leave out ca');
  }
  return {
    ca: hasCa ? parseAuthorities(ca) : undefined,
    thumbprint: hasThumbprint ? parseThumbprint(thumbprint) : undefined,
    isInsecure: insecure,
  };
}

/** In lower case and without colons. */
export function parseThumbprint(text: string): string {
  const digits = text
    .trim()
    .replace(/^sha-?256(?: fingerprint)?[=:\s]+/i, '')
    .replaceAll(/[:\s]/g, '')
    .toLowerCase();
  if (!/^[0-9a-f]*$/.test(digits)) throw wrongThumbprint();
  if (digits.length === SHA1_DIGITS) {
    throw invalidArgument(
      'thumbprint',
      'is a SHA-1 thumbprint, which can be forged; give the SHA-256 one, as in: ' +
        'openssl s_client -connect HOST:443 </dev/null | openssl x509 -noout -fingerprint -sha256',
    );
  }
  if (digits.length !== SHA256_DIGITS) throw wrongThumbprint();
  return digits;
}

function parseAuthorities(text: string): string {
  const expected = 'must be one or more certificates in PEM, each from BEGIN to END CERTIFICATE';
  if (text.length > LONGEST_CA) throw invalidArgument('ca', 'must have at most 256 KiB');
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0 || certificates.length > MOST_AUTHORITIES) {
    throw invalidArgument('ca', expected);
  }
  return certificates.map((pem) => `${readCertificate(pem, expected)}\n`).join('');
}

function readCertificate(pem: string, expected: string): string {
  try {
    return new X509Certificate(pem).toString().trim();
  } catch (cause) {
    const options = { reason: 'INVALID_FIELD', metadata: { field: 'ca' }, cause };
    throw new DroverError('invalid_argument', `ca: ${expected}`, options);
  }
}

function wrongThumbprint(): DroverError {
  return invalidArgument('thumbprint', 'must be a SHA-256 of 64 hexadecimal digits');
}
