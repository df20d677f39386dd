/** How long to wait before the next try: doubling from `firstMs`, never more than `mostMs`. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30));
}

/**
 * Between half of the time and all of it, so that those who failed together do not come back
 * together. `chance` is from 0 to 1.
 */
export function jitterMs(ms: number, chance: number): number {
  return Math.round(ms / 2 + (ms / 2) * chance);
}
