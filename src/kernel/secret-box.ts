/**
 * Encrypts small secrets for keeping: AES-256-GCM under one key, as text of the form
 *
 *   v1.<id of the key>.<nonce>.<ciphertext and tag>        (base64url)
 *
 * The place a secret belongs to is authenticated with it, so a sealed text that is copied to
 * another row does not open there. The id of the key tells a lost key from a damaged text.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { DroverError } from './errors.ts';

export const SECRET_KEY_BYTES = 32;

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

export class SecretBox {
  /** Says which key this is, and nothing about it. */
  readonly keyId: string;
  readonly #key: Buffer;

  constructor(key: Uint8Array) {
    if (key.length !== SECRET_KEY_BYTES) throw new RangeError('a secret key has 32 bytes');
    this.#key = Buffer.from(key);
    this.keyId = createHash('sha256').update('drover key id').update(key).digest('hex').slice(0, 8);
  }

  /** `place` names what the secret belongs to, such as a table and a row. */
  seal(secret: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(place));
    const parts = [cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()];
    const sealed = Buffer.concat(parts).toString('base64url');
    return [VERSION, this.keyId, nonce.toString('base64url'), sealed].join('.');
  }

  /**
   * The same for the same text and place, and says nothing of the text to who has not the key:
   * tells whether a secret is the one of before without keeping it.
   */
  fingerprint(text: string, place: string): string {
    return createHmac('sha256', this.#key).update(`${place}\0${text}`).digest('base64url');
  }

  /** Throws `failed_precondition` for another key's text, and `data_loss` for a damaged one. */
  open(sealedText: string, place: string): string {
    const [version, keyId, nonceText = '', sealedPart = '', ...rest] = sealedText.split('.');
    if (version !== VERSION || keyId === undefined || rest.length > 0) throw damaged();
    if (keyId !== this.keyId) throw otherKey(keyId, this.keyId);
    const sealed = Buffer.from(sealedPart, 'base64url');
    const nonce = Buffer.from(nonceText, 'base64url');
    if (sealed.length < TAG_BYTES || nonce.length !== NONCE_BYTES) throw damaged();
    try {
      const decipher = createDecipheriv(CIPHER, this.#key, nonce)
        .setAAD(Buffer.from(place))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      const start = decipher.update(sealed.subarray(0, -TAG_BYTES));
      return Buffer.concat([start, decipher.final()]).toString('utf8');
    } catch (cause) {
      throw damaged(cause);
    }
  }
}

function otherKey(sealedUnder: string, present: string): DroverError {
  return new DroverError(
    'failed_precondition',
    `the secret was encrypted under the key ${sealedUnder}, and the key in use is ${present}: ` +
      'put the former secret.key back, or set the secret anew',
    { reason: 'SECRET_KEY_CHANGED', metadata: { sealed_under: sealedUnder, key_in_use: present } },
  );
}

function damaged(cause?: unknown): DroverError {
  return new DroverError('data_loss', 'the stored secret is damaged; set it anew', {
    reason: 'SECRET_DAMAGED',
    cause,
  });
}
