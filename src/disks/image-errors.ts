/** The two ways in which an image is not read: it is broken, or it is more than we can read. */
import { DroverError } from '#kernel/errors.ts';

/** Bytes are missing or contradict one another; a second try on the same bytes ends the same. */
export function damagedImage(what: string, cause?: unknown): DroverError {
  return new DroverError('data_loss', `the disk image is damaged: ${what}`, {
    reason: 'DISK_IMAGE_DAMAGED',
    cause,
  });
}

/** `what` says what it is and what to do about it. */
export function unreadableImage(what: string): DroverError {
  return new DroverError('failed_precondition', `the disk image cannot be read: ${what}`, {
    reason: 'DISK_IMAGE_UNREADABLE',
  });
}
