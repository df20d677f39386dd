/** Opens a source, asks it one thing, and closes it again. */
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import type { Sources } from '#transfers/migration-parts.ts';
import type { ReadSource } from '#transfers/parse-source.ts';
import type { Source } from '#transfers/source.ts';

export async function askSource<T>(
  sources: Sources,
  { spec, password }: ReadSource,
  signal: AbortSignal,
  ask: (source: Source) => Promise<T>,
): Promise<T> {
  const secrets: Readonly<Record<string, string>> = password === undefined ? {} : { password };
  return await answeringSource(async () => {
    await using source = await sources.open(spec, secrets, signal);
    return await ask(source);
  });
}

/**
 * A source that refuses a login says `unauthenticated`, which to the caller of this API would mean
 * that its own token is wrong. What is wrong is in the request.
 */
export async function answeringSource<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    if (!(thrown instanceof DroverError) || !isErrorKind(thrown, 'unauthenticated')) throw thrown;
    const { message, metadata, context } = thrown;
    const facts = { reason: 'SOURCE_LOGIN_REFUSED', metadata, context, cause: thrown };
    throw new DroverError('invalid_argument', message, facts);
  }
}
