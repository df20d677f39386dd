/** One reading of several, each part whole from the first that has it. */
import type { ServerReading } from './server-reading.ts';

export function mergeReadings(readings: readonly ServerReading[]): ServerReading {
  const merged: Record<string, unknown> = {};
  for (const reading of readings) {
    for (const [part, value] of Object.entries(reading)) {
      if (value !== undefined && merged[part] === undefined) merged[part] = value;
    }
  }
  return merged;
}
