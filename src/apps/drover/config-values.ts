/**
 * The kinds of value a setting can have. A value comes as text (a flag, a variable) or as whatever
 * YAML makes of it, and each kind reads both; `expectation` completes "must be …".
 */
import { isIP } from 'node:net';
import { isAbsolute, join, resolve } from 'node:path';

import { parseSubnet } from '#backends/network/subnet.ts';
import { isHostId } from '#kernel/ids.ts';
import type { HostId } from '#kernel/ids.ts';
import { DAY_MS, GIB, HOUR_MS, MIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

export interface ValueContext {
  /** What relative paths are relative to: the config file's folder, or the current directory. */
  readonly baseDir: string;
  readonly homeDir: string;
}

export interface ValueKind<T> {
  readonly expectation: string;
  /** Shown for the value in help: `--port PORT`. Undefined for what is on or off. */
  readonly argument: string | undefined;
  readonly choices?: readonly string[];
  /** Undefined: not of this kind. */
  parse(raw: unknown, context: ValueContext): T | undefined;
  /** As `drover config` prints it; reading that back gives the same value. */
  show(value: T): unknown;
  /** Whether this value gives somebody access who reads it. Such kinds are never quoted. */
  holdsSecret?(value: T): boolean;
}

const asIs = (value: unknown): unknown => value;

export function textKind(
  expectation: string,
  pattern: RegExp,
  argument = 'TEXT',
): ValueKind<string> {
  const parse = (raw: unknown) => {
    const text = typeof raw === 'number' ? String(raw) : raw;
    return typeof text === 'string' && pattern.test(text) ? text : undefined;
  };
  return { expectation, argument, parse, show: asIs };
}

export const anyText = textKind('a text that is not empty', /\S/);

export const urlKind: ValueKind<string> = {
  expectation: 'an https:// or http:// URL',
  argument: 'URL',
  parse: (raw) =>
    typeof raw === 'string' && /^https?:\/\/./.test(raw) && URL.canParse(raw) ? raw : undefined,
  show: asIs,
};

export const hostIdKind: ValueKind<HostId> = {
  expectation: '1 to 63 letters, digits or _ . -, starting with a letter or digit',
  argument: 'NAME',
  parse: (raw) => (typeof raw === 'string' && isHostId(raw) ? raw : undefined),
  show: asIs,
};

export const pathKind: ValueKind<string> = {
  expectation: 'a path',
  argument: 'PATH',
  parse: (raw, context) =>
    typeof raw === 'string' && raw !== '' ? toPath(raw, context) : undefined,
  show: asIs,
};

/** In a variable, `:` stands between the paths; in the file it is a list. */
export const pathListKind: ValueKind<readonly string[]> = {
  expectation: 'a list of paths',
  argument: 'PATH[:PATH…]',
  parse: (raw, context) =>
    parseList(raw, ':', (entry) => (entry === '' ? undefined : toPath(entry, context))),
  show: asIs,
};

export function enumKind<T extends string>(choices: readonly T[]): ValueKind<T> {
  return {
    expectation: `one of ${choices.join(', ')}`,
    argument: choices.join('|'),
    choices,
    parse: (raw) => choices.find((choice) => choice === raw),
    show: asIs,
  };
}

export const switchKind: ValueKind<boolean> = {
  expectation: 'true or false',
  argument: undefined,
  parse(raw) {
    if (typeof raw === 'boolean') return raw;
    if (raw === 'true' || raw === '1') return true;
    return raw === 'false' || raw === '0' ? false : undefined;
  },
  show: asIs,
};

export function wholeKind(least: number, most: number, argument = 'N'): ValueKind<number> {
  return {
    expectation: `a whole number from ${least} to ${most}`,
    argument,
    parse(raw) {
      const value = toNumber(raw);
      if (value === undefined || !Number.isInteger(value)) return undefined;
      return value >= least && value <= most ? value : undefined;
    },
    show: asIs,
  };
}

/** Written `unlimited`; inside it is Infinity. */
export function unlimitedKind(limited: ValueKind<number>): ValueKind<number> {
  return {
    expectation: `${limited.expectation}, or unlimited`,
    argument: limited.argument,
    parse: (raw, context) => (raw === 'unlimited' ? Infinity : limited.parse(raw, context)),
    show: (value) => (value === Infinity ? 'unlimited' : limited.show(value)),
  };
}

export function numberKind(least: number, most: number): ValueKind<number> {
  return {
    expectation: `a number from ${least} to ${most}`,
    argument: 'N',
    parse(raw) {
      const value = toNumber(raw);
      return value !== undefined && value >= least && value <= most ? value : undefined;
    },
    show: asIs,
  };
}

export function sizeKind(leastBytes: number): ValueKind<number> {
  return {
    expectation: `a size of at least ${formatSize(leastBytes)}, such as 512MiB or 4GiB`,
    argument: 'SIZE',
    parse(raw) {
      const bytes = parseSize(raw);
      return bytes !== undefined && bytes >= leastBytes ? bytes : undefined;
    },
    show: formatSize,
  };
}

const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/;
const DURATION_UNITS = { d: DAY_MS, h: HOUR_MS, m: MINUTE_MS, s: SECOND_MS, ms: 1 } as const;

/** Milliseconds inside; written with a unit, `500ms`, `30s`, `15m`, `24h` or `30d`. */
export function durationKind(leastMs: number, mostMs: number): ValueKind<number> {
  return {
    expectation: `a duration from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`,
    argument: 'DURATION',
    parse(raw) {
      const match = typeof raw === 'string' ? DURATION.exec(raw.trim()) : null;
      const unit = match?.[2] as keyof typeof DURATION_UNITS | undefined;
      if (unit === undefined) return undefined;
      const ms = Number(match?.[1]) * DURATION_UNITS[unit];
      return ms >= leastMs && ms <= mostMs ? ms : undefined;
    },
    show: formatDuration,
  };
}

function formatDuration(ms: number): string {
  const fitting = Object.entries(DURATION_UNITS).find(([, unit]) => ms % unit === 0);
  return fitting === undefined ? `${ms}ms` : `${ms / fitting[1]}${fitting[0]}`;
}

export const wordListKind = listKind('a list of words', (word) =>
  /^[a-z0-9_]+$/.test(word) ? word : undefined,
);

export function choiceListKind<T extends string>(choices: readonly T[]): ValueKind<readonly T[]> {
  return listKind(`a list of ${choices.join(', ')}`, (word) => choices.find((it) => it === word));
}

/** It may be empty. */
function listKind<T extends string>(
  expectation: string,
  parse: (word: string) => T | undefined,
): ValueKind<readonly T[]> {
  return {
    expectation,
    argument: 'NAME[,NAME…]',
    parse: (raw) => (Array.isArray(raw) && raw.length === 0 ? [] : parseList(raw, ',', parse)),
    show: asIs,
  };
}

/** A share of what the host has, or a size. */
export type ShareOrSize =
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'size'; readonly bytes: number };

export const shareOrSizeKind: ValueKind<ShareOrSize> = {
  expectation: 'a share of the host from 0.1 to 4, or a size such as 48GiB',
  argument: 'SHARE|SIZE',
  parse(raw) {
    const share = toNumber(raw);
    if (share !== undefined && share >= 0.1 && share <= 4) return { kind: 'share', share };
    const bytes = parseSize(raw);
    return bytes !== undefined && bytes >= 128 * MIB ? { kind: 'size', bytes } : undefined;
  },
  show: (value) => (value.kind === 'share' ? value.share : formatSize(value.bytes)),
};

export const subnetKind = (family: 4 | 6): ValueKind<string> => ({
  expectation:
    family === 4
      ? 'an IPv4 subnet with room for guests, such as 10.90.0.0/16'
      : 'an IPv6 subnet with room for guests, such as fd00:90::/64',
  argument: 'SUBNET',
  parse: (raw) => (typeof raw === 'string' ? toSubnet(raw, family) : undefined),
  show: asIs,
});

/** `none` inside too: whoever reads the setting decides what that means. */
export function orNoneKind(kind: ValueKind<string>): ValueKind<string> {
  return {
    ...kind,
    expectation: `${kind.expectation}, or none`,
    parse: (raw, context) => (raw === 'none' ? 'none' : kind.parse(raw, context)),
  };
}

export const addressListKind: ValueKind<readonly string[]> = {
  expectation: 'a list of IPv4 or IPv6 addresses',
  argument: 'IP[,IP…]',
  parse: (raw) => parseList(raw, ',', (entry) => (isIP(entry) !== 0 ? entry : undefined)),
  show: asIs,
};

/** Ports by name: a map in the file, `NAME=PORT,NAME=PORT` as text, or a list of such. */
export function portMapKind<T extends string>(
  names: readonly T[],
): ValueKind<ReadonlyMap<T, number>> {
  const port = wholeKind(0, 65_535);
  return {
    expectation: `a port for each surface, such as ${names[0]}=8081 (known: ${names.join(', ')})`,
    argument: 'SURFACE=PORT',
    parse(raw, context) {
      const pairs = toPairs(raw);
      if (pairs === undefined) return undefined;
      const ports = new Map<T, number>();
      for (const [given, value] of pairs) {
        const name = names.find((known) => known === given);
        const number = port.parse(value, context);
        if (number === undefined || name === undefined || ports.has(name)) return undefined;
        ports.set(name, number);
      }
      return ports;
    },
    show: (value) => Object.fromEntries(value),
  };
}

/** As the stores take it: `sqlite:PATH` with an absolute path, or `postgres://…`. */
export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  /** May hold a password. */
  readonly url: string;
}

export const databaseKind: ValueKind<Database> = {
  expectation: 'postgres://USER@HOST/NAME or sqlite:PATH',
  argument: 'URL',
  parse(raw, context) {
    if (typeof raw !== 'string') return undefined;
    if (/^postgres(ql)?:\/\//.test(raw)) {
      return URL.canParse(raw) ? { kind: 'postgres', url: raw } : undefined;
    }
    const path = /^sqlite:(?!\/\/)(.+)$/.exec(raw)?.[1];
    return path === undefined ? undefined : sqliteAt(toPath(path, context));
  },
  show: ({ kind, url }) => (kind === 'sqlite' ? url : maskUrl(url)),
  holdsSecret: ({ kind, url }) => kind === 'postgres' && maskUrl(url) !== new URL(url).href,
};

export function sqliteAt(path: string): Database {
  return { kind: 'sqlite', url: `sqlite:${path}` };
}

/** The URL with `***` for every password in it. */
function maskUrl(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  for (const name of url.searchParams.keys()) {
    if (/pass/i.test(name)) url.searchParams.set(name, '***');
  }
  return url.href;
}

function toPairs(raw: unknown): [string, unknown][] | undefined {
  if (typeof raw === 'string') return toPairs(raw.split(',').filter((part) => part !== ''));
  if (!Array.isArray(raw))
    return typeof raw === 'object' && raw !== null ? Object.entries(raw) : undefined;
  const pairs: [string, unknown][] = [];
  for (const part of raw) {
    const match = typeof part === 'string' ? /^([^=]+)=(.+)$/.exec(part.trim()) : null;
    if (match?.[1] === undefined) return undefined;
    pairs.push([match[1], match[2]]);
  }
  return pairs;
}

function parseList<T>(
  raw: unknown,
  separator: string,
  parse: (entry: string) => T | undefined,
): readonly T[] | undefined {
  const entries: unknown = typeof raw === 'string' ? raw.split(separator) : raw;
  if (!Array.isArray(entries)) return undefined;
  const parsed: T[] = [];
  for (const entry of entries) {
    const value = typeof entry === 'string' ? parse(entry.trim()) : undefined;
    if (value === undefined) return undefined;
    parsed.push(value);
  }
  return parsed.length === 0 ? undefined : parsed;
}

function toSubnet(text: string, family: 4 | 6): string | undefined {
  try {
    return parseSubnet('', text, family).cidr;
  } catch {
    // Why it is none is less helpful than the whole expectation, which the caller words.
    return undefined;
  }
}

function toPath(text: string, context: ValueContext): string {
  if (text === '~' || text.startsWith('~/')) return join(context.homeDir, text.slice(1));
  return isAbsolute(text) ? resolve(text) : resolve(context.baseDir, text);
}

function toNumber(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined;
  return typeof raw === 'string' && /^\d{1,15}(\.\d{1,9})?$/.test(raw) ? Number(raw) : undefined;
}

const SIZE = /^(\d{1,15}(?:\.\d{1,6})?)\s*(?:(B)|(K|M|G|T)i?B?)?$/i;
const POWERS = ['', 'K', 'M', 'G', 'T'];

/** Bytes, or a number with a unit. Units are powers of 1024 however they are written. */
export function parseSize(raw: unknown): number | undefined {
  const text = typeof raw === 'number' ? String(raw) : raw;
  const match = typeof text === 'string' ? SIZE.exec(text.trim()) : null;
  if (match === null) return undefined;
  const bytes = Number(match[1]) * 1024 ** POWERS.indexOf((match[3] ?? '').toUpperCase());
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The largest unit that says it exactly, so that nothing is lost by reading it back. */
function formatSize(bytes: number): string | number {
  if (bytes >= GIB && bytes % GIB === 0) return `${bytes / GIB}GiB`;
  return bytes >= MIB && bytes % MIB === 0 ? `${bytes / MIB}MiB` : bytes;
}
