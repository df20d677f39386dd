/** How finely samples are kept, and for how long. */
import { DAY_MS } from '#kernel/units.ts';

/** Samples as they were taken. */
export const RAW_MS = 0;
/** Made when chunks are sealed. */
export const MINUTE_TIER_MS = 60_000;
/** Made of the minutes of a whole day. */
export const QUARTER_TIER_MS = 900_000;

/** From the finest; one point stands for so many milliseconds. */
export const RESOLUTIONS = [RAW_MS, MINUTE_TIER_MS, QUARTER_TIER_MS] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** The columns of rolled-up chunks, in the order in which they are written. */
export const ROLLED_COLUMNS = 5;

export interface HistoryRetention {
  readonly rawMs: number;
  readonly minuteMs: number;
  readonly quarterHourMs: number;
  /** Of all tiers together, as stored. The finest tier gives way first, its oldest first. */
  readonly maxBytes: number;
}

export const DEFAULT_RETENTION: HistoryRetention = {
  rawMs: DAY_MS,
  minuteMs: 30 * DAY_MS,
  quarterHourMs: 400 * DAY_MS,
  maxBytes: 2 * 1024 ** 3,
};

export function keptMs(retention: HistoryRetention, resolution: Resolution): number {
  switch (resolution) {
    case RAW_MS:
      return retention.rawMs;
    case MINUTE_TIER_MS:
      return retention.minuteMs;
    case QUARTER_TIER_MS:
      return retention.quarterHourMs;
  }
}
