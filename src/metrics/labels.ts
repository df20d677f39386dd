/** Label sets, always in the order of their names, so that equal sets have equal keys. */

/** Names sorted; never holds an empty value, which means the same as no label. */
export type Labels = Readonly<Record<string, string>>;

/** The label that holds a series' metric name where series of several metrics are mixed. */
export const METRIC_NAME = '__name__';

const METRIC_NAME_FORM = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME_FORM = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function isMetricName(text: string): boolean {
  return METRIC_NAME_FORM.test(text);
}

export function isLabelName(text: string): boolean {
  return LABEL_NAME_FORM.test(text);
}

export function createLabels(entries: Iterable<readonly [string, string]>): Labels {
  const kept = [...entries].filter(([, value]) => value !== '');
  // Prometheus sorts by bytes; for names, which are ASCII, comparing code units is the same.
  kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(kept);
}

/** The later of two values for one name wins. */
export function mergeLabels(base: Labels, over: Labels): Labels {
  return createLabels(Object.entries({ ...base, ...over }));
}

/** `a="1",b="2"`, escaped as the exposition formats want it. */
export function labelsToText(labels: Labels): string {
  const pairs: string[] = [];
  for (const name in labels) pairs.push(`${name}="${escapeLabelValue(labels[name] ?? '')}"`);
  return pairs.join(',');
}

/** `name{a="1"}`, or `name` alone. Two series are the same exactly when these are. */
export function seriesKey(name: string, labels: Labels): string {
  const text = labelsToText(labels);
  return text === '' ? name : `${name}{${text}}`;
}

function escapeLabelValue(value: string): string {
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
