/** How much a counter grew between two readings, without ever inventing an absurd figure. */

/** More than this within a second is a counter that wrapped or was set, not traffic. */
const MOST_PER_SECOND = 1e15;

/**
 * Undefined when it cannot be told: no reading before, a counter that went back (a reset, a device
 * replaced by another of its name), or no time between the two.
 */
export function counterDelta(
  previous: number | undefined,
  current: number,
  elapsedMs: number,
): number | undefined {
  if (previous === undefined || !(elapsedMs > 0)) return undefined;
  const delta = current - previous;
  if (!(delta >= 0) || delta > (MOST_PER_SECOND * elapsedMs) / 1000) return undefined;
  return delta;
}

/** `part / whole` in hundredths of a percent, within 0..10000; undefined for an empty whole. */
export function toBasisPoints(part: number, whole: number): number | undefined {
  if (!(whole > 0) || Number.isNaN(part)) return undefined;
  return Math.round(Math.min(1, Math.max(0, part / whole)) * 10_000);
}
