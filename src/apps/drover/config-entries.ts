/** Settings that are lists of maps, whose keys are checked by the domain that they belong to. */
import type { ValueKind } from './config-values.ts';

export type Entries = readonly Readonly<Record<string, unknown>>[];

const SECRET_KEY = /token$|password$|secret|^headers$/i;

/** In a variable or flag it is JSON. What gives access is masked when shown. */
export function entriesKind(what: string): ValueKind<Entries> {
  return {
    expectation: `${what}; in a variable or flag, as JSON`,
    argument: 'JSON',
    parse(raw) {
      const value: unknown = typeof raw === 'string' ? parseJson(raw) : raw;
      return Array.isArray(value) && value.every(isEntry) ? value : undefined;
    },
    show: (entries) => entries.map(mask),
    holdsSecret: (entries) => entries.some(hasSecret),
  };
}

const isSecretKey = (key: string) => SECRET_KEY.test(key);

function isEntry(value: unknown): value is Entries[number] {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasSecret);
  if (!isEntry(value)) return false;
  return Object.entries(value).some(([key, inner]) => isSecretKey(key) || hasSecret(inner));
}

function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask);
  if (!isEntry(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, isSecretKey(key) ? '***' : mask(inner)]),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told by the expectation, with the setting's name and place.
    return undefined;
  }
}
