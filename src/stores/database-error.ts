/** What a caller is told when the database fails: what it means for them, nothing of the inside. */
import { DroverError, type ErrorKind } from '#kernel/errors.ts';
import type { DatabaseFailure, FailureKind } from './dialects/dialect.ts';

interface Told {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly message: string;
}

const TOLD: Record<FailureKind, Told> = {
  unique: {
    kind: 'already_exists',
    reason: 'ALREADY_EXISTS',
    message: 'something with this id exists already',
  },
  'storage-full': {
    kind: 'unavailable',
    reason: 'STORAGE_FULL',
    message: 'the disk of the database is full; nothing was changed, free space and try again',
  },
  'read-only': {
    kind: 'unavailable',
    reason: 'DATABASE_READ_ONLY',
    message: 'the database accepts no changes at present; nothing was changed',
  },
  busy: {
    kind: 'unavailable',
    reason: 'DATABASE_BUSY',
    message: 'the database was held by somebody else for too long; nothing was changed, try again',
  },
  'lost-race': {
    kind: 'aborted',
    reason: 'TRANSACTION_CONFLICT',
    message: 'too many changes at once touched the same thing; nothing was changed, try again',
  },
  damaged: {
    kind: 'data_loss',
    reason: 'DATABASE_DAMAGED',
    message: 'the database is damaged; restore it from a backup',
  },
  'unfit-value': {
    kind: 'invalid_argument',
    reason: 'INVALID_VALUE',
    message: 'the request holds a value that cannot be stored or compared',
  },
  unreachable: {
    kind: 'unavailable',
    reason: 'DATABASE_UNAVAILABLE',
    message: 'the database cannot be reached at present; try again later',
  },
};

export function failureToError(failure: DatabaseFailure, cause: unknown): DroverError {
  const { kind, reason, message } = TOLD[failure.kind];
  return new DroverError(kind, message, { reason, cause, context: { failure } });
}
