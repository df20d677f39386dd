/** Which series belong together: those that agree in some labels, or in all but some. */
import { labelOf } from './column.ts';
import { METRIC_NAME, createLabels, type Labels } from '#metrics/labels.ts';

/** With its length before each value, so that no two different lists read the same. */
function keyOf(labels: Labels, names: readonly string[]): string {
  let key = '';
  for (const name of names) {
    const value = labelOf(labels, name);
    key += `${value.length}:${value}`;
  }
  return key;
}

export function keyWithout(labels: Labels, names: ReadonlySet<string>): string {
  let key = '';
  for (const name in labels) {
    if (name === METRIC_NAME || names.has(name)) continue;
    const value = labels[name] ?? '';
    key += `${name}=${value.length}:${value}`;
  }
  return key;
}

export interface GroupingRule {
  /** Not by these labels but by all others; never by the metric's name. */
  readonly isWithout: boolean;
  readonly labels: readonly string[];
}

export function groupKey({ isWithout, labels: names }: GroupingRule): (labels: Labels) => string {
  if (!isWithout) return (labels) => keyOf(labels, names);
  const excluded = new Set(names);
  return (labels) => keyWithout(labels, excluded);
}

export function groupLabels({ isWithout, labels: names }: GroupingRule, labels: Labels): Labels {
  const kept = Object.entries(labels).filter(([name]) =>
    isWithout ? name !== METRIC_NAME && !names.includes(name) : names.includes(name),
  );
  return createLabels(kept);
}
