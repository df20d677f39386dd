/** What a subscription may hold. Surfaces name the fields; the rules are the same for all. */
import { invalidArgument } from '#kernel/errors.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { isBrokenStandardSecret } from './signatures.ts';

const MOST_URL_CHARS = 2048;
const MOST_SECRET_CHARS = 256;
const MOST_HEADERS = 20;
const MOST_HEADER_CHARS = 4096;
const LEAST_TIMEOUT_MS = 100;
const MOST_TIMEOUT_MS = MINUTE_MS / 2;
const MOST_ATTEMPTS = 1000;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
// Horizontal tab, and all that is printable in Latin 1.
const HEADER_VALUE = /^[\t\x20-\x7e\xa0-\xff]*$/;
/** Headers of one hop, of the message itself, and those that prove who sent it. */
const RESERVED_HEADERS = [
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect)$/i,
  /^(?:date|user-agent|content-.*|x-webhook-.*|webhook-.*)$/i,
];

/** `refusalOf` says what is wrong with where the URL leads. */
export function parseWebhookUrl(
  value: unknown,
  field: string,
  refusalOf: (url: URL) => string | undefined,
): string {
  if (typeof value !== 'string') throw invalidArgument(field, 'must be a string with a URL');
  if (value.length > MOST_URL_CHARS) {
    throw invalidArgument(field, `must have at most ${MOST_URL_CHARS} characters`);
  }
  // The parser of URLs drops some of these silently; whoever sends them means something else.
  if (/[\s\p{Cc}]/u.test(value)) throw invalidArgument(field, 'must hold no white space');
  const url = URL.parse(value);
  if (url === null || !/^https?:\/\//i.test(value)) {
    throw invalidArgument(field, 'must be a valid http:// or https:// URL');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidArgument(field, 'must hold no user name or password; use headers for those');
  }
  if (url.hash !== '') throw invalidArgument(field, 'must hold no fragment');
  const refusal = refusalOf(url);
  if (refusal !== undefined) throw invalidArgument(field, refusal, { reason: 'ADDRESS_REFUSED' });
  return value;
}

export function parseWebhookSecret(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  const length = typeof value === 'string' ? value.length : 0;
  if (typeof value !== 'string' || length < 1 || length > MOST_SECRET_CHARS) {
    throw invalidArgument(field, `must be a string of 1 to ${MOST_SECRET_CHARS} characters`);
  }
  if (!value.isWellFormed()) throw invalidArgument(field, 'must be valid Unicode');
  if (isBrokenStandardSecret(value)) {
    throw invalidArgument(field, 'begins with whsec_, so base64 must follow');
  }
  return value;
}

export function parseWebhookHeaders(value: unknown, field: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidArgument(field, 'must be an object of header names and values');
  }
  const entries = Object.entries(value);
  if (entries.length > MOST_HEADERS) {
    throw invalidArgument(field, `must hold at most ${MOST_HEADERS} headers`);
  }
  const seen = new Set<string>();
  const headers = entries.map(([name, text]): [string, string] => {
    const path = `${field}.${name.slice(0, 64)}`;
    if (!HEADER_NAME.test(name)) throw invalidArgument(path, 'is not the name of a header');
    if (RESERVED_HEADERS.some((reserved) => reserved.test(name)))
      throw invalidArgument(path, 'is not yours to set');
    if (seen.has(name.toLowerCase())) throw invalidArgument(path, 'is there twice');
    seen.add(name.toLowerCase());
    if (typeof text !== 'string' || text.length > MOST_HEADER_CHARS || !HEADER_VALUE.test(text)) {
      const what = `must be a string of at most ${MOST_HEADER_CHARS} printable characters`;
      throw invalidArgument(path, what);
    }
    return [name, text];
  });
  return Object.fromEntries(headers);
}

/** Undefined stays undefined: then the default counts. */
export function parseTimeoutMs(value: unknown, field: string): number | undefined {
  return parseWhole(value, field, { least: LEAST_TIMEOUT_MS, most: MOST_TIMEOUT_MS });
}

export function parseMaxAttempts(value: unknown, field: string): number | undefined {
  return parseWhole(value, field, { least: 1, most: MOST_ATTEMPTS });
}

function parseWhole(
  value: unknown,
  field: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw invalidArgument(field, `must be a whole number from ${least} to ${most}`);
}
