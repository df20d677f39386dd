import type { DatabaseFailure } from '#stores/dialects/dialect.ts';

/** SQLSTATE codes, or their two-digit classes, and errors of the socket. */
const FAILURES: Readonly<Record<string, DatabaseFailure>> = {
  '53100': { kind: 'storage-full' },
  '25006': { kind: 'read-only' },
  '40001': { kind: 'lost-race' },
  '40P01': { kind: 'lost-race' },
  '55P03': { kind: 'busy' },
  '57014': { kind: 'busy' },
  '08': { kind: 'unreachable' },
  '22': { kind: 'unfit-value' },
  '28': { kind: 'unreachable' },
  '3D': { kind: 'unreachable' },
  '53': { kind: 'unreachable' },
  '57': { kind: 'unreachable' },
  '58': { kind: 'unreachable' },
  XX: { kind: 'damaged' },
  ECONNREFUSED: { kind: 'unreachable' },
  ECONNRESET: { kind: 'unreachable' },
  EHOSTUNREACH: { kind: 'unreachable' },
  ENOTFOUND: { kind: 'unreachable' },
  EPIPE: { kind: 'unreachable' },
  ETIMEDOUT: { kind: 'unreachable' },
};

const UNIQUE_VIOLATION = '23505';
/** What pg says without a code when the connection breaks or cannot be made in time. */
const LOST_CONNECTION = /connection (terminated|ended|timeout)|not queryable|timeout exceeded/i;

export function failureOf(thrown: unknown): DatabaseFailure | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (code === UNIQUE_VIOLATION) {
    const table = 'table' in thrown && typeof thrown.table === 'string' ? thrown.table : '';
    return { kind: 'unique', table };
  }
  const known = FAILURES[code] ?? FAILURES[code.slice(0, 2)];
  if (known !== undefined) return known;
  return LOST_CONNECTION.test(thrown.message) ? { kind: 'unreachable' } : undefined;
}
