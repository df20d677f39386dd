/** What handlers give us to keep, as JSON that every database takes, and not more than is good. */
import { DroverError } from '#kernel/errors.ts';

/** Throws `internal`: a handler gave what cannot be kept, and doing it again will not help. */
export function toPlainJson(value: unknown, what: string, mostBytes: number): string {
  const text = stringify(value, what);
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostBytes) return text;
  throw new DroverError(
    'internal',
    `${what} of ${bytes} bytes is more than the ${mostBytes} that are kept`,
    { reason: 'TOO_LARGE_TO_KEEP' },
  );
}

/** PostgreSQL takes neither a NUL nor half a surrogate pair. */
export function toPlainText(text: string, mostLength: number): string {
  const plain = text.toWellFormed().replaceAll('\0', '\uFFFD');
  return plain.length <= mostLength ? plain : `${plain.slice(0, mostLength - 1)}…`.toWellFormed();
}

function stringify(value: unknown, what: string): string {
  try {
    const text = JSON.stringify(value ?? {});
    // Almost never: the second walk would cost as much as the first.
    if (!/\\u(0000|d[89a-f])/i.test(text)) return text;
    return JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'string' ? toPlainText(part, Infinity) : part,
    );
  } catch (cause) {
    throw new DroverError('internal', `${what} cannot be written as JSON`, {
      reason: 'NOT_JSON',
      cause,
    });
  }
}
