/** Names of time zones, as the operating system's database has them. */
import { invalidArgument } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';

const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

/** Where this server stands. */
export function localTimeZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return isTimeZone(timeZone) ? timeZone : 'UTC';
}

export function parseTimeZone(field: string, text: string): string {
  if (isTimeZone(text)) return text;
  const meant = didYouMean(text.slice(0, 64), Intl.supportedValuesOf('timeZone'));
  throw invalidArgument(field, `must be the name of a time zone such as Europe/Berlin${meant}`);
}

function isTimeZone(text: string): boolean {
  if (!NAME.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
