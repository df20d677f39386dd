/** What local time is called: `CET`, `EST`. JavaScript's own names are others (`GMT+1`). */
import { readFileSync } from 'node:fs';

const HEADER_BYTES = 44;
const TYPE_BYTES = 6;

export interface ZoneQuestion {
  readonly fileRoot: string;
  readonly nowMs: number;
  /** What is in force, ahead of UTC. */
  readonly offsetSeconds: number;
}

/** `UTC` where that is so or the host has no zone; a signed offset where no name is to be found. */
export function readZoneAbbreviation({ fileRoot, nowMs, offsetSeconds }: ZoneQuestion): string {
  let data: Buffer | undefined;
  try {
    data = readFileSync(`${fileRoot}/etc/localtime`);
  } catch {
    // Without it local time is UTC.
  }
  const name = data === undefined ? undefined : findAbbreviation(data, nowMs, offsetSeconds);
  return name ?? (offsetSeconds === 0 ? 'UTC' : formatOffset(offsetSeconds));
}

/**
 * Of a compiled zone (RFC 9636): the name that came into force last, among those that have this
 * offset. The first of its two blocks has times of 32 bits, which do until 2038, and after that
 * the names are no longer expected to change.
 */
function findAbbreviation(data: Buffer, nowMs: number, offsetSeconds: number): string | undefined {
  if (data.length < HEADER_BYTES || data.toString('latin1', 0, 4) !== 'TZif') return undefined;
  const version = data[4] ?? 0;
  // From version 2 on the first block may be empty; the second has times of 64 bits.
  const first = readCounts(data, 0);
  const isWide = version >= 50;
  const start = isWide ? HEADER_BYTES + blockBytes(first, 4) : 0;
  if (data.length < start + HEADER_BYTES) return undefined;
  const counts = isWide ? readCounts(data, start) : first;
  const timeBytes = isWide ? 8 : 4;
  const times = start + HEADER_BYTES;
  const indexes = times + counts.times * timeBytes;
  const types = indexes + counts.times;
  const names = types + counts.types * TYPE_BYTES;
  if (names + counts.letters > data.length) return undefined;
  const nameOf = (type: number): string | undefined => {
    const at = types + type * TYPE_BYTES;
    if (type >= counts.types || data.readInt32BE(at) !== offsetSeconds) return undefined;
    const from = names + (data[at + 5] ?? 0);
    const to = data.indexOf(0, from);
    return to === -1 ? undefined : data.toString('latin1', from, to);
  };
  for (let index = counts.times - 1; index >= 0; index -= 1) {
    const at = times + index * timeBytes;
    const seconds = isWide ? Number(data.readBigInt64BE(at)) : data.readInt32BE(at);
    if (seconds * 1000 > nowMs) continue;
    const name = nameOf(data[indexes + index] ?? 0);
    if (name !== undefined) return name;
  }
  for (let type = 0; type < counts.types; type += 1) {
    const name = nameOf(type);
    if (name !== undefined) return name;
  }
  return undefined;
}

interface Counts {
  readonly utcFlags: number;
  readonly standardFlags: number;
  readonly leaps: number;
  readonly times: number;
  readonly types: number;
  readonly letters: number;
}

function readCounts(data: Buffer, start: number): Counts {
  const [utcFlags = 0, standardFlags = 0, leaps = 0, times = 0, types = 0, letters = 0] = [
    20, 24, 28, 32, 36, 40,
  ].map((at) => data.readUInt32BE(start + at));
  return { utcFlags, standardFlags, leaps, times, types, letters };
}

function blockBytes(counts: Counts, timeBytes: number): number {
  const { utcFlags, standardFlags, leaps, times, types, letters } = counts;
  const perTime = timeBytes + 1;
  return (
    times * perTime +
    types * TYPE_BYTES +
    letters +
    leaps * (timeBytes + 4) +
    standardFlags +
    utcFlags
  );
}

/** `+0530`, as zones without a name of their own are called. */
function formatOffset(offsetSeconds: number): string {
  const minutes = Math.abs(Math.trunc(offsetSeconds / 60));
  const hours = String(Math.trunc(minutes / 60)).padStart(2, '0');
  const rest = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0');
  return `${offsetSeconds < 0 ? '-' : '+'}${hours}${rest}`;
}
