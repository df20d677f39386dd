/** A disk without room is no fault of Drover, and is to be told of as what it is. */
import { DroverError, systemErrorCode } from '#kernel/errors.ts';

export function isDiskFull(thrown: unknown): boolean {
  const code = systemErrorCode(thrown);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

export function diskFull(cause: unknown): DroverError {
  return new DroverError('resource_exhausted', 'the disk that holds the apps is full', {
    reason: 'DISK_FULL',
    cause,
  });
}

export async function orDiskFull<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw isDiskFull(thrown) ? diskFull(thrown) : thrown;
  }
}
