/** One place that samples are written to, parsed from the configuration. */
import { invalidArgument } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { createLabels, isLabelName, type Labels } from '#metrics/labels.ts';

/** A file is read anew for each request, so that a secret can be changed without a restart. */
export type Secret =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

export type ReceiverAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  | { readonly kind: 'bearer'; readonly token: Secret };

/** Holds secrets: not for logs. */
export interface Receiver {
  /** Names it in metrics, in the log, and the file of its position. */
  readonly name: string;
  readonly url: string;
  readonly auth: ReceiverAuth;
  readonly headers: Readonly<Record<string, string>>;
  /** Added to what is sent there; what a series says itself wins. */
  readonly labels: Labels;
  /** Metric names that are sent, matched as a whole; undefined sends all. */
  readonly keep: RegExp | undefined;
  readonly timeoutMs: number;
}

const MOST_RECEIVERS = 16;
const DEFAULT_TIMEOUT_MS = 30 * SECOND_MS;
const LONGEST_TIMEOUT_MS = 300 * SECOND_MS;
const MOST_LABEL_CHARS = 1024;
const RECEIVER_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,4096}$/;
/** What the protocol or the connection decides. */
const RESERVED_HEADERS = new Set([
  ...['authorization', 'connection', 'content-encoding', 'content-length', 'content-type'],
  ...['expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['user-agent', 'x-prometheus-remote-write-version'],
]);
const FIELDS = [
  ...['name', 'url', 'username', 'password', 'passwordFile', 'bearerToken', 'bearerTokenFile'],
  ...['headers', 'labels', 'keep', 'timeoutMs'],
];

export function parseReceivers(value: unknown, field: string): readonly Receiver[] {
  if (!Array.isArray(value)) throw invalidArgument(field, 'must be a list of receivers');
  if (value.length > MOST_RECEIVERS) {
    throw invalidArgument(field, `must be at most ${MOST_RECEIVERS} receivers`);
  }
  const receivers = value.map((entry, at) => parseReceiver(entry, `${field}[${at}]`));
  const names = new Set<string>();
  for (const [at, { name }] of receivers.entries()) {
    if (names.has(name)) {
      throw invalidArgument(`${field}[${at}].name`, `${name} is taken; give each its own name`);
    }
    names.add(name);
  }
  return receivers;
}

export function parseReceiver(value: unknown, field: string): Receiver {
  const given = parseObject(value, field);
  for (const key of Object.keys(given)) {
    if (FIELDS.includes(key)) continue;
    throw invalidArgument(`${field}.${key}`, `is not known here${didYouMean(key, FIELDS)}`);
  }
  const url = parseUrl(given['url'], `${field}.url`);
  return {
    name: parseName(given['name'], url, `${field}.name`),
    url: url.href,
    auth: parseAuth(given, field),
    headers: parseHeaders(given['headers'] ?? {}, `${field}.headers`),
    labels: parseLabels(given['labels'] ?? {}, `${field}.labels`),
    keep: parseKeep(given['keep'], `${field}.keep`),
    timeoutMs: parseTimeout(given['timeoutMs'], `${field}.timeoutMs`),
  };
}

function parseUrl(value: unknown, field: string): URL {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidArgument(field, 'must be an http or https URL, such as http://host/api/v1/write');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidArgument(field, 'must hold no password; use username and passwordFile');
  }
  if (url.hash !== '') throw invalidArgument(field, 'must have no fragment');
  return url;
}

function parseName(value: unknown, url: URL, field: string): string {
  const name =
    value ??
    url.host
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, 32);
  if (typeof name === 'string' && RECEIVER_NAME.test(name)) return name;
  throw invalidArgument(field, 'must be 1 to 32 of a-z, 0-9 and -, beginning with a-z or 0-9');
}

function parseAuth(given: Readonly<Record<string, unknown>>, field: string): ReceiverAuth {
  const token = parseSecret(given, { field, text: 'bearerToken', file: 'bearerTokenFile' });
  const password = parseSecret(given, { field, text: 'password', file: 'passwordFile' });
  const { username } = given;
  if (username === undefined) {
    if (password !== undefined) throw invalidArgument(`${field}.username`, 'is missing');
    return token === undefined ? { kind: 'none' } : { kind: 'bearer', token };
  }
  if (typeof username !== 'string' || !/^[^:\p{Cc}]{1,256}$/u.test(username)) {
    throw invalidArgument(`${field}.username`, 'must be 1 to 256 characters without a colon');
  }
  if (token !== undefined) {
    throw invalidArgument(field, 'must have username and password, or a bearer token, not both');
  }
  if (password === undefined) {
    throw invalidArgument(`${field}.passwordFile`, 'is missing; username needs a password');
  }
  return { kind: 'basic', username, password };
}

interface SecretFields {
  readonly field: string;
  readonly text: string;
  readonly file: string;
}

function parseSecret(
  given: Readonly<Record<string, unknown>>,
  { field, text: textField, file: fileField }: SecretFields,
): Secret | undefined {
  const text = given[textField];
  const path = given[fileField];
  if (text !== undefined && path !== undefined) {
    throw invalidArgument(`${field}.${fileField}`, `must not stand beside ${textField}`);
  }
  if (text !== undefined) {
    if (typeof text === 'string' && /^[^\p{Cc}]{1,4096}$/u.test(text))
      return { kind: 'text', text };
    throw invalidArgument(`${field}.${textField}`, 'must be 1 to 4096 characters on one line');
  }
  if (path === undefined) return undefined;
  if (typeof path === 'string' && path.startsWith('/')) return { kind: 'file', path };
  throw invalidArgument(`${field}.${fileField}`, 'must be an absolute path');
}

function parseHeaders(value: unknown, field: string): Readonly<Record<string, string>> {
  const headers: [string, string][] = [];
  for (const [name, text] of Object.entries(parseObject(value, field))) {
    const entry = `${field}.${name}`;
    if (!HEADER_NAME.test(name)) throw invalidArgument(entry, 'is no name of a header');
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      throw invalidArgument(entry, 'is decided by the protocol and cannot be set');
    }
    if (typeof text !== 'string' || !HEADER_VALUE.test(text)) {
      throw invalidArgument(entry, 'must be text on one line, at most 4096 characters');
    }
    headers.push([name, text]);
  }
  return Object.fromEntries(headers);
}

function parseLabels(value: unknown, field: string): Labels {
  const labels: [string, string][] = [];
  for (const [name, text] of Object.entries(parseObject(value, field))) {
    const entry = `${field}.${name}`;
    if (!isLabelName(name) || name.startsWith('__')) {
      throw invalidArgument(entry, 'is no name for a label: letters, digits and _');
    }
    if (typeof text !== 'string' || text === '' || text.length > MOST_LABEL_CHARS) {
      throw invalidArgument(entry, `must be text of 1 to ${MOST_LABEL_CHARS} characters`);
    }
    labels.push([name, text]);
  }
  return createLabels(labels);
}

function parseKeep(value: unknown, field: string): RegExp | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > 4096) {
    throw invalidArgument(field, 'must be a regular expression for metric names');
  }
  try {
    return new RegExp(`^(?:${value})$`, 'u');
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'it does not parse';
    throw invalidArgument(field, `must be a regular expression for metric names: ${why}`);
  }
}

function parseTimeout(value: unknown, field: string): number {
  if (value === undefined) return DEFAULT_TIMEOUT_MS;
  if (typeof value === 'number' && value >= 100 && value <= LONGEST_TIMEOUT_MS) return value;
  throw invalidArgument(field, `must be 100 to ${LONGEST_TIMEOUT_MS} milliseconds`);
}

function parseObject(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { ...value };
  }
  throw invalidArgument(field, 'must be a map of settings');
}
