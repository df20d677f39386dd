/** Versions of apps, and which of them is meant by `1`, `^1.2`, `latest` and the like. */
import rsort from 'semver/functions/rsort.js';
import valid from 'semver/functions/valid.js';
import maxSatisfying from 'semver/ranges/max-satisfying.js';
import validRange from 'semver/ranges/valid.js';

export type WantedVersion =
  /** What deploy or rollback made current last. */
  | { readonly kind: 'current' }
  /** The highest release. */
  | { readonly kind: 'latest' }
  /** The highest that fits; a whole version fits itself alone. */
  | { readonly kind: 'range'; readonly range: string };

const LONGEST_VERSION = 64;
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const RANGE = /^(?:\^|~|>=)?\d+(?:\.\d+(?:\.\d+(?:-[0-9A-Za-z.-]+)?)?)?$/;

export const VERSION_RULE =
  'a whole version such as 1.4.0 or 2.0.0-beta.1, ' + `of at most ${LONGEST_VERSION} characters`;

/** No `v` before it, no build after it: what is meant is also what the folder is called. */
export function isVersion(text: string): boolean {
  return text.length <= LONGEST_VERSION && VERSION.test(text) && valid(text) === text;
}

/** The part after the `@`; undefined when it is none. */
export function parseWanted(text: string): WantedVersion | undefined {
  if (text === 'latest') return { kind: 'latest' };
  if (text.length > LONGEST_VERSION || !RANGE.test(text)) return undefined;
  const range = validRange(text);
  return range === null ? undefined : { kind: 'range', range };
}

/** Highest first. */
export function sortVersions(versions: Iterable<string>): string[] {
  return rsort([...versions]);
}

/** Prereleases fit only a range that names one of the same version, as with npm. */
export function highestFitting(
  versions: Iterable<string>,
  wanted: Exclude<WantedVersion, { kind: 'current' }>,
): string | undefined {
  const range = wanted.kind === 'latest' ? '*' : wanted.range;
  return maxSatisfying([...versions], range) ?? undefined;
}
