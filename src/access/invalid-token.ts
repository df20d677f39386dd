import { DroverError } from '#kernel/errors.ts';

/** The refusal of a token that was sent. The message never holds the token or a part of it. */
export function invalidToken(message: string, cause?: unknown): DroverError {
  return new DroverError('unauthenticated', message, { reason: 'INVALID_TOKEN', cause });
}
