/** Says what a failed attempt leaves where, so that nobody has to look for it. */
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import type { MigrationCheckpoint } from './migration-checkpoint.ts';

const MOST_NAMED = 20;

export function describeLeft(checkpoint: MigrationCheckpoint): readonly string[] {
  const { vm, places = [], defined, stoppedSource } = checkpoint;
  const left = places.map(({ path }) => `the disk at ${path}`);
  if (left.length > MOST_NAMED) {
    left.splice(MOST_NAMED, left.length, `${left.length - MOST_NAMED} more disks`);
  }
  if (defined !== undefined) left.push(`the VM ${defined.ref} at the destination`);
  if (stoppedSource === true && vm !== undefined) left.push(`${vm.name} off at the source`);
  return left;
}

/** The same failure, in words that include what it left. */
export function failureLeaving(
  error: DroverError,
  { left, id }: { readonly left: readonly string[]; readonly id: JobId },
): DroverError {
  if (left.length === 0) return error;
  const { kind, reason, metadata, context } = error;
  const message =
    `${error.message}; it left ${left.join(', ')}, for another attempt to go on from; ` +
    `\`drover jobs clean ${id}\` takes it back`;
  return new DroverError(kind, message, { reason, metadata, context, cause: error });
}
