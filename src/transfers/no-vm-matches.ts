/** A pattern that stands for nobody is a mistake, and not an empty batch. */
import { DroverError } from '#kernel/errors.ts';

export function noVmMatches(pattern: string): DroverError {
  return new DroverError('not_found', `no VM matches ${pattern}`, { reason: 'NO_VM_MATCHES' });
}
