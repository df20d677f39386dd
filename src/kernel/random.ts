/** Chance, from the operating system's source. The one place that draws it. */
import { randomBytes } from 'node:crypto';

export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** For secrets that people copy: URL-safe, no padding. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
