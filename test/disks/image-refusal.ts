/** For `assert.rejects`: says whether an image was refused in the right words. */
import { DroverError, type ErrorKind } from '#kernel/errors.ts';

export function isRefusal(kind: ErrorKind, why = /./) {
  return (thrown: unknown): boolean =>
    thrown instanceof DroverError && thrown.kind === kind && why.test(thrown.message);
}
