/** Series on top of each other. Where one is not known, so is what stands on it. */

export type Values = readonly (number | null)[];

/** The first lies at the bottom. */
export function stackSeries(series: readonly Values[]): (number | null)[][] {
  const stacked: (number | null)[][] = [];
  let below: Values | undefined;
  for (const values of series) {
    const under: Values | undefined = below;
    const summed = values.map((value, at) => {
      const base = under === undefined ? 0 : (under[at] ?? null);
      return value === null || base === null ? null : value + base;
    });
    stacked.push(summed);
    below = summed;
  }
  return stacked;
}
