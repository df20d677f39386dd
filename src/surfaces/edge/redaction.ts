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
  return withoutUserinfo(short)
    .replaceAll(/\b(bearer|basic)\s+[^\s'",;]+/gi, `$1 ${REDACTED}`)
    .replaceAll(/\bdrover_tok_[0-9a-f]+_[A-Za-z0-9_-]+/g, REDACTED)
    .replaceAll(/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REDACTED)
    .replaceAll(
      /\b([\w-]*(?:password|passwd|secret|token|api[_-]?key))(["'\]]*\s*[=:]\s*["']?)[^\s&"',;]+/gi,
      (whole, name: string, equals: string) =>
        isSecretName(name) ? `${name}${equals}${REDACTED}` : whole,
    );
}

function withoutUserinfo(text: string): string {
  return text.replaceAll(/(\/\/[^\s/:@]*:)[^\s/?#]*@/g, `$1${REDACTED}@`);
}

/** The path and query of a request, the values of secret parameters left out. */
export function redactPath(pathAndQuery: string): string {
  const queryAt = pathAndQuery.indexOf('?');
  const path = queryAt === -1 ? pathAndQuery : pathAndQuery.slice(0, queryAt);
  // Logins have an @, whatever is hidden in layers has a %, and most paths have neither.
  if (queryAt === -1 && !/[@%]/.test(path)) return path.slice(0, MAX_TEXT_CHARS);
  const parts = path.split('/').map((part) => redactPart(part, redactAddress));
  let shown = parts.join('/').slice(0, MAX_TEXT_CHARS);
  if (queryAt === -1) return shown;
  let separator = '?';
  for (const pair of pathAndQuery.slice(queryAt + 1).split('&')) {
    if (shown.length > 2 * MAX_TEXT_CHARS) return `${shown}…`;
    shown += `${separator}${redactPair(pair)}`;
    separator = '&';
  }
  return shown;
}

function redactPair(pair: string): string {
  const equalsAt = pair.indexOf('=');
  const rawName = equalsAt === -1 ? pair : pair.slice(0, equalsAt);
  if (isSecretName(decodeParts(rawName))) return `${rawName}=${REDACTED}`;
  const value = equalsAt === -1 ? '' : `=${redactPart(pair.slice(equalsAt + 1), redactAddress)}`;
  return redactPart(`${redactPart(rawName, redactAddress)}${value}`, redactText);
}

/** As it stands where there is nothing to hide; otherwise in the clear, so that it can be seen. */
function redactPart(raw: string, redact: (text: string) => string): string {
  const text = decodeParts(raw);
  const shown = redact(text);
  return shown === text ? raw : shown.replaceAll(/[\s&\p{Cc}]/gu, encodeURIComponent);
}

/**
 * Of what may be the address of a server as somebody wrote it, with a login in front: with or
 * without slashes after the scheme, and with anything at all in the password.
 */
function redactAddress(text: string): string {
  const login = /^(\s*(?:(?:https?|wss?|[a-z][a-z0-9+.-]*(?=:[/\\])):)?[/\\]*[^:@/\\]*:).*@/is;
  return withoutUserinfo(text.replace(login, `$1${REDACTED}@`));
}

const MOST_LAYERS = 3;

/** Whatever of it is encoded, also twice; what is not valid stays as it is. */
function decodeParts(text: string): string {
  let decoded = text;
  for (let layer = 0; layer < MOST_LAYERS && decoded.includes('%'); layer += 1) {
    decoded = decoded.replaceAll(/(?:%[0-9a-f]{2})+/gi, decodeRun);
  }
  return decoded;
}

function decodeRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    // No UTF-8: each byte for itself shows what of it is a letter.
    return run.replaceAll(/%(..)/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
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
