/** The two ways in which a package of a VM is not read: it is broken, or more than can be read. */
import { DroverError } from '#kernel/errors.ts';

export function damagedPackage(what: string, cause?: unknown): DroverError {
  return new DroverError('data_loss', `the package is damaged: ${what}`, {
    reason: 'PACKAGE_DAMAGED',
    cause,
  });
}

/** `what` says what it is and what to do about it. */
export function unreadablePackage(what: string): DroverError {
  return new DroverError('failed_precondition', `the package cannot be read: ${what}`, {
    reason: 'PACKAGE_UNREADABLE',
  });
}
