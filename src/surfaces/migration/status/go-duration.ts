/** Lengths of time as programs written in Go show them: `1h2m3.4s`. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

export function formatGoDuration(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  const seconds = `${Math.floor(ms % MINUTE_MS) / SECOND_MS}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
