/** Which tier answers a query: fine where it is kept, coarse where the caller would not notice. */
import { QUARTER_TIER_MS, RESOLUTIONS, type Resolution } from './tiers.ts';

/** So many points of a tier in each step are as good as all samples. */
const POINTS_PER_STEP = 5;

export interface TierState {
  /** Of the oldest that is stored; Infinity when nothing is. */
  readonly oldestMs: ReadonlyMap<Resolution, number>;
  /** Up to here the coarsest tier is complete. */
  readonly rolledThroughMs: number;
}

/** A stretch of time that is read from one tier. */
export interface Leg {
  readonly resolution: Resolution;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** The finest tier that still holds the start, or a coarser one that suffices for the step. */
export function chooseResolution({ fromMs, stepMs }: Span, { oldestMs }: TierState): Resolution {
  const oldest = RESOLUTIONS.map((resolution) => oldestMs.get(resolution) ?? Infinity);
  const held = RESOLUTIONS.findIndex((_, at) => {
    const anyCoarser = Math.min(...oldest.slice(at + 1));
    return (oldest[at] ?? Infinity) <= Math.max(fromMs, anyCoarser);
  });
  const enough = RESOLUTIONS.findLastIndex(
    (resolution) => resolution > 0 && stepMs >= POINTS_PER_STEP * resolution,
  );
  return RESOLUTIONS[Math.max(held, enough)] ?? QUARTER_TIER_MS;
}

/** The coarsest tier is made a day at a time; what it lacks comes from the one before it. */
export function planLegs(span: Span, resolution: Resolution, state: TierState): Leg[] {
  const { fromMs, toMs } = span;
  if (resolution !== QUARTER_TIER_MS) return [{ resolution, fromMs, toMs }];
  const finer = RESOLUTIONS[RESOLUTIONS.indexOf(QUARTER_TIER_MS) - 1] ?? QUARTER_TIER_MS;
  const { rolledThroughMs } = state;
  const legs: Leg[] = [];
  if (fromMs < rolledThroughMs) {
    legs.push({ resolution, fromMs, toMs: Math.min(toMs, rolledThroughMs - 1) });
  }
  if (toMs >= rolledThroughMs) {
    legs.push({ resolution: finer, fromMs: Math.max(fromMs, rolledThroughMs), toMs });
  }
  return legs;
}
