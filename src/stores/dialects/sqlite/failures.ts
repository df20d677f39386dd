import type { DatabaseFailure } from '#stores/dialects/dialect.ts';

/** Primary result codes of SQLite; the extended ones carry these in their low byte. */
const FAILURES: Readonly<Record<number, DatabaseFailure>> = {
  5: { kind: 'busy' },
  6: { kind: 'busy' },
  8: { kind: 'read-only' },
  10: { kind: 'unreachable' },
  11: { kind: 'damaged' },
  13: { kind: 'storage-full' },
  14: { kind: 'unreachable' },
  26: { kind: 'damaged' },
};

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE. */
const UNIQUE_CODES = [1555, 2067];

export function failureOf(thrown: unknown): DatabaseFailure | undefined {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return undefined;
  const { errcode } = thrown;
  if (typeof errcode !== 'number') return undefined;
  if (UNIQUE_CODES.includes(errcode)) {
    return { kind: 'unique', table: /failed: (\w+)\./.exec(thrown.message)?.[1] ?? '' };
  }
  return FAILURES[errcode & 0xff];
}
