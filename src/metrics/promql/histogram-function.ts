/** histogram_quantile over buckets that are series of their own, told apart by the label `le`. */
import { createLabels } from '#metrics/labels.ts';
import { createColumn, withoutName, type Column } from './column.ts';
import { keyWithout } from './grouping.ts';
import type { Pace } from './pace.ts';
import { quantileOfBuckets, type Bucket } from './quantile.ts';

const BOUND_LABEL = 'le';

interface BucketColumn {
  readonly upperBound: number;
  readonly column: Column;
}

export async function histogramQuantile(
  pace: Pace,
  quantile: Float64Array,
  columns: readonly Column[],
): Promise<readonly Column[]> {
  const buckets = columns.flatMap((column): BucketColumn[] => {
    const upperBound = parseBound(column.labels[BOUND_LABEL]);
    return upperBound === undefined ? [] : [{ upperBound, column }];
  });
  const excluded = new Set([BOUND_LABEL]);
  const groups = Map.groupBy(buckets, ({ column }) => keyWithout(column.labels, excluded));
  const results: Column[] = [];
  for (const members of groups.values()) {
    const labels = Object.entries(withoutName(members[0]?.column.labels ?? {}));
    const kept = createLabels(labels.filter(([name]) => name !== BOUND_LABEL));
    const into = createColumn(pace, kept, quantile.length);
    for (let step = 0; step < quantile.length; step += 1) {
      if (pace.isDue) await pace.pause();
      const present = members.filter(({ column }) => column.present[step] === 1);
      if (present.length === 0) continue;
      const counts: Bucket[] = present.map(({ upperBound, column }) => ({
        upperBound,
        count: column.values[step] ?? NaN,
      }));
      into.present[step] = 1;
      into.values[step] = quantileOfBuckets(quantile[step] ?? NaN, counts);
    }
    results.push(into);
  }
  return results;
}

function parseBound(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\+?inf(?:inity)?$/i.test(text)) return Infinity;
  const bound = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isNaN(bound) ? undefined : bound;
}
