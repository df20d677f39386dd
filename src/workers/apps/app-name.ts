/** How apps are named, in manifests and where one is asked for: `app`, `app@1`, `app@^1.2.3`. */
import { DroverError } from '#kernel/errors.ts';
import { parseWanted, type WantedVersion } from './semver.ts';

/** A label of a host name, so that every app can be served at one of its own. */
const APP_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LONGEST_SPEC = 200;

export const APP_NAME_RULE =
  '1 to 63 lower-case letters, digits or hyphens, with a letter or digit at both ends';

export interface AppSpec {
  readonly name: string;
  readonly wanted: WantedVersion;
}

export function isAppName(text: string): boolean {
  return APP_NAME.test(text);
}

/** What is no name at all is an app there is not: whoever asks by URL gets a plain 404. */
export function parseAppSpec(spec: string): AppSpec {
  const at = spec.indexOf('@');
  const name = at === -1 ? spec : spec.slice(0, at);
  const wanted = at === -1 ? ({ kind: 'current' } as const) : parseWanted(spec.slice(at + 1));
  if (spec.length > LONGEST_SPEC || !isAppName(name) || wanted === undefined) {
    throw appNotFound(`there is no app ${JSON.stringify(spec.slice(0, LONGEST_SPEC))}`);
  }
  return { name, wanted };
}

export function appNotFound(
  message: string,
  context: Readonly<Record<string, unknown>> = {},
): DroverError {
  return new DroverError('not_found', message, { reason: 'APP_NOT_FOUND', context });
}
