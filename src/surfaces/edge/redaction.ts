/** Keeps secrets out of logs: by the name of what holds them, and by the look of the text. */

const SECRET_HEADER = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key)$/i;
const SECRET_NAME =
  /^(?:.*[_.-])?(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|credentials?)$/i;
const CAMEL_SECRET_NAME = /(?:Password|Secret|Token|ApiKey|PrivateKey|Credentials?)$/;

export const REDACTED = '[redacted]';
const MAX_TEXT_CHARS = 4096;
const MAX_DEPTH = 5;
const MAX_ENTRIES = 50;

// Page tokens are where a listing goes on, not something that opens a door.
const HARMLESS_NAME = /^(?:next_?)?page_?token$/i;

// Names repeat on every line of a log; looking one up is far cheaper than matching it again.
const MAX_KNOWN_NAMES = 1000;
const knownNames = new Map<string, boolean>();

export function isSecretName(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const isSecret =
    !HARMLESS_NAME.test(name) &&
    (SECRET_HEADER.test(name) || SECRET_NAME.test(name) || CAMEL_SECRET_NAME.test(name));
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(name, isSecret);
  return isSecret;
}

/** Bearer tokens, our own tokens, JWTs, passwords in URLs and `password=…` in running text. */
export function redactText(text: string): string {
  const short = text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text;
  return short
    .replaceAll(/\b(bearer|basic)\s+[^\s'",;]+/gi, `$1 ${REDACTED}`)
    .replaceAll(/\bdrover_tok_[0-9a-f]+_[A-Za-z0-9_-]+/g, REDACTED)
    .replaceAll(/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REDACTED)
    .replaceAll(/(\/\/[^\s/:@]*:)[^\s/@]+@/g, `$1${REDACTED}@`)
    .replaceAll(
      /\b([\w-]*(?:password|passwd|secret|token|api[_-]?key))(["']?\s*[=:]\s*["']?)[^\s&"',;]+/gi,
      (whole, name: string, equals: string) =>
        isSecretName(name) ? `${name}${equals}${REDACTED}` : whole,
    );
}

/** The path and query of a request, the values of secret parameters left out. */
export function redactPath(pathAndQuery: string): string {
  const queryAt = pathAndQuery.indexOf('?');
  if (queryAt === -1) return pathAndQuery.slice(0, MAX_TEXT_CHARS);
  const pairs = pathAndQuery.slice(queryAt + 1, queryAt + 1 + MAX_TEXT_CHARS).split('&');
  const shown = pairs.map((pair) => {
    const equalsAt = pair.indexOf('=');
    const rawName = equalsAt === -1 ? pair : pair.slice(0, equalsAt);
    return isSecretName(decodeName(rawName)) ? `${rawName}=${REDACTED}` : redactText(pair);
  });
  return `${pathAndQuery.slice(0, Math.min(queryAt, MAX_TEXT_CHARS))}?${shown.join('&')}`;
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // Not valid percent-encoding; the raw text is what there is to judge by.
    return name;
  }
}

/** A copy for the log: secret values replaced, long texts, deep trees and long lists cut. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deeper]';
  if (value instanceof Error) return redactText(`${value.name}: ${value.message}`);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    return value.slice(0, MAX_ENTRIES).map((item) => redactValue(item, depth + 1));
  }
  const entries = Object.entries(value).slice(0, MAX_ENTRIES);
  return Object.fromEntries(
    entries.map(([name, item]) => [
      name,
      isSecretName(name) ? REDACTED : redactValue(item, depth + 1),
    ]),
  );
}
