/**
 * How many jobs may be in a lane at a time, over all processes. A lane is `PREFIX:NAME`, and its
 * prefix says which limit holds; a lane without one is as wide as can be.
 */
export type LaneLimits = Readonly<Record<string, number>>;

export function laneLimit(limits: LaneLimits, lane: string): number {
  const colon = lane.indexOf(':');
  return limits[colon === -1 ? lane : lane.slice(0, colon)] ?? Infinity;
}

export function limitedLanes(limits: LaneLimits, lanes: readonly string[]): readonly string[] {
  return lanes.filter((lane) => laneLimit(limits, lane) !== Infinity);
}
