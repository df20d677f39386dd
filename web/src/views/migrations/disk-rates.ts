/**
 * How fast each disk goes: the API says how far they are, and this remembers how far they were.
 * Kept short, so that a disk that stands still is soon shown to.
 */
import type { DiskState } from './wire.ts';

const WINDOW_MS = 10_000;
const LEAST_MS = 800;

interface Mark {
  readonly atMs: number;
  readonly bytes: number;
}

/** By the name of the disk, the oldest mark first. */
export type DiskMarks = ReadonlyMap<string, readonly Mark[]>;

export function markDisks(before: DiskMarks, disks: readonly DiskState[], atMs: number): DiskMarks {
  return new Map(
    disks.map(({ name, current_bytes: bytes }) => {
      const old = before.get(name) ?? [];
      // Checking begins at nothing again.
      const kept = bytes < (old.at(-1)?.bytes ?? 0) ? [] : old;
      const recent = kept.filter((mark) => atMs - mark.atMs <= WINDOW_MS);
      return [name, [...recent, { atMs, bytes }]];
    }),
  );
}

/** Null while too little is known. */
export function rateOf(marks: readonly Mark[] | undefined, nowMs: number): number | null {
  const last = marks?.at(-1);
  if (marks === undefined || last === undefined) return null;
  if (nowMs - last.atMs > WINDOW_MS) return 0;
  const first = marks.find(({ atMs }) => nowMs - atMs <= WINDOW_MS) ?? last;
  if (marks.length < 2 || nowMs - first.atMs < LEAST_MS) return null;
  return ((last.bytes - first.bytes) / (nowMs - first.atMs)) * 1000;
}
