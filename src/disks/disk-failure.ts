/** Why an image cannot be written, in words for whoever owns the file system. */
import { DroverError, systemErrorCode, type ErrorKind } from '#kernel/errors.ts';

interface Trouble {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly message: string;
}

const FULL: Trouble = {
  kind: 'resource_exhausted',
  reason: 'DISK_FULL',
  message: 'the file system of the disk image is full; make room there and try again',
};

const READ_ONLY: Trouble = {
  kind: 'failed_precondition',
  reason: 'DISK_NOT_WRITABLE',
  message: 'the disk image may not be written where it is to be; check the directory and its owner',
};

const TROUBLES: Readonly<Record<string, Trouble>> = {
  ENOSPC: FULL,
  EDQUOT: {
    ...FULL,
    reason: 'DISK_QUOTA',
    message: 'the quota for the file system of the disk image is used up',
  },
  EFBIG: {
    kind: 'failed_precondition',
    reason: 'DISK_FILE_TOO_BIG',
    message: 'the file system of the disk image takes no file as big as this disk',
  },
  EIO: {
    kind: 'data_loss',
    reason: 'DISK_IO_ERROR',
    message: 'the device below the disk image failed; see the log of the kernel',
  },
  EROFS: READ_ONLY,
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
};

/** What is no trouble of a file system passes unchanged. */
export function toDiskFailure(thrown: unknown): Error {
  const trouble = TROUBLES[systemErrorCode(thrown) ?? ''];
  if (trouble === undefined) {
    return thrown instanceof Error ? thrown : new Error('writing failed', { cause: thrown });
  }
  const { kind, reason, message } = trouble;
  return new DroverError(kind, message, { reason, cause: thrown });
}
