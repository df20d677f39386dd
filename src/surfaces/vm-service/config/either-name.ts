/**
 * Many fields have two names: the one of the original protocol and the one of the documented
 * JSON. A caller may use either, or both if they agree. What comes out knows which name the
 * caller used, so that a refusal speaks the caller's language.
 */
import { DroverError } from '#kernel/errors.ts';

export interface Named<T> {
  readonly field: string;
  readonly value: T;
}

/** An empty or absent value counts as not given. */
export function eitherName<T extends string | number | bigint>(
  path: string,
  original: readonly [name: string, value: T],
  documented: readonly [name: string, value: T | undefined],
): Named<T> {
  const [originalName, first] = original;
  const [documentedName, second] = documented;
  const isFirstGiven = first !== '' && first !== 0 && first !== 0n;
  const isSecondGiven = second !== undefined && second !== '' && second !== 0 && second !== 0n;
  if (isFirstGiven && isSecondGiven && first !== second) {
    throw contradiction(`${path}.${originalName}`, `${path}.${documentedName}`);
  }
  if (!isSecondGiven) return { field: `${path}.${originalName}`, value: first };
  return { field: `${path}.${documentedName}`, value: second };
}

/**
 * A plain bool cannot say whether it was left out, so only an explicit `false` beside `true`
 * contradicts.
 */
export function eitherFlag(
  path: string,
  original: readonly [name: string, value: boolean],
  documented: readonly [name: string, value: boolean | undefined],
): boolean {
  if (original[1] && documented[1] === false) {
    throw contradiction(`${path}.${original[0]}`, `${path}.${documented[0]}`);
  }
  return original[1] || documented[1] === true;
}

export function contradiction(first: string, second: string): DroverError {
  return new DroverError(
    'invalid_argument',
    `${first} and ${second} say different things; give one of them, or both alike`,
    { reason: 'CONTRADICTING_FIELDS', metadata: { field: first, other_field: second } },
  );
}
