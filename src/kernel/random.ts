/** Chance, from the operating system's source. The one place that draws it. */
import { randomBytes, randomInt, randomUUID, randomUUIDv7 } from 'node:crypto';

export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** For secrets that people copy: URL-safe, no padding. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

export function randomUuid(): string {
  return randomUUID();
}

/** Begins with the time, so that those made one after another stand side by side in an index. */
export function timedUuid(): string {
  return randomUUIDv7();
}

/** From 0 up to, but not including, 1. */
export function randomFraction(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}
