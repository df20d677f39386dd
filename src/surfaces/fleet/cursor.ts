/**
 * How far somebody knows what there is to know: a revision of the fleet, as clients hand it back.
 * Revisions begin anew with each start, so a cursor says of which start it is.
 */
import { randomHex } from '#kernel/random.ts';

const START = randomHex(4);

export function writeCursor(revision: number): string {
  return `${START}-${revision}`;
}

/** One of another start, or none at all, is behind everything. */
export function readCursor(text: string | undefined): number {
  const [start, revision = ''] = text?.split('-') ?? [];
  return start === START && /^\d{1,15}$/.test(revision) ? Number(revision) : -1;
}
