/** A member that was launched is there when it says so, and says nothing more until it is asked. */
import { DroverError } from '#kernel/errors.ts';
import type { Member } from './member.ts';

/** Rejects when it ends before; the caller sees to a limit of time. */
export async function awaitHello({ link, ended }: Member): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  link.receive((frame) => {
    if (frame.type === 'hello') resolve();
  });
  void ended.then(({ message }) => {
    reject(new DroverError('unavailable', `a worker did not start: ${message}`));
  });
  await promise;
}
