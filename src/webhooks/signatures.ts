/**
 * Proof that a request comes from us. Two schemes travel side by side:
 *
 *   hex HMAC-SHA256 over the body, key = the bytes of the secret as it was registered
 *   Standard Webhooks: `v1,` + base64 HMAC-SHA256 over `id.timestamp.body`, key = the bytes that
 *   a `whsec_…` secret encodes in base64, or else the bytes of the secret as it was registered
 */
import { createHmac } from 'node:crypto';

const STANDARD_PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface SignedMessage {
  readonly id: string;
  readonly atMs: number;
  readonly body: Buffer;
}

export function hexSignature(secret: string, body: Buffer): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** The headers of Standard Webhooks; without a secret those that need none. */
export function standardHeaders(
  secret: string | undefined,
  { id, atMs, body }: SignedMessage,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(atMs / 1000));
  const unsigned = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === undefined) return unsigned;
  const signed = createHmac('sha256', standardKey(secret)).update(`${id}.${timestamp}.`);
  return { ...unsigned, 'webhook-signature': `v1,${signed.update(body).digest('base64')}` };
}

/** Whether it looks like a secret of Standard Webhooks and is none. */
export function isBrokenStandardSecret(secret: string): boolean {
  if (!secret.startsWith(STANDARD_PREFIX)) return false;
  const encoded = secret.slice(STANDARD_PREFIX.length);
  return encoded === '' || !BASE64.test(encoded);
}

function standardKey(secret: string): Buffer {
  return secret.startsWith(STANDARD_PREFIX)
    ? Buffer.from(secret.slice(STANDARD_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
}
