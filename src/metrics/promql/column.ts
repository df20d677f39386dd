/**
 * A series over all instants of a query at once. Each operation then runs along typed arrays, and
 * matching and grouping by labels is done once and not for each instant.
 */
import { METRIC_NAME, labelsToText, type Labels } from '#metrics/labels.ts';
import type { Pace } from './pace.ts';
import { executionError } from './query-error.ts';

/** Equally spaced instants. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

export function gridTimes({ startMs, stepMs, count }: Grid): Float64Array {
  return Float64Array.from({ length: count }, (_, step) => startMs + step * stepMs);
}

export interface Column {
  readonly labels: Labels;
  readonly values: Float64Array;
  /** 1 where the series has a value at that instant: NaN is a value like others. */
  readonly present: Uint8Array;
}

export type Value =
  | { readonly kind: 'scalar'; readonly values: Float64Array }
  | { readonly kind: 'vector'; readonly columns: readonly Column[] }
  | { readonly kind: 'string'; readonly text: string };

export function createColumn(pace: Pace, labels: Labels, count: number): Column {
  pace.spend(count);
  return { labels, values: new Float64Array(count), present: new Uint8Array(count) };
}

export function withoutName(labels: Labels): Labels {
  if (!(METRIC_NAME in labels)) return labels;
  const { [METRIC_NAME]: _, ...rest } = labels;
  return rest;
}

/** A name may be any word, also one that every object has. */
export function labelOf(labels: Labels, name: string): string {
  return Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
}

export function isEverPresent({ present }: Column): boolean {
  return present.includes(1);
}

/** By names and values in turn, the way Prometheus orders series. */
export function compareLabels(a: Labels, b: Labels): number {
  const left = Object.entries(a);
  const right = Object.entries(b);
  for (const [at, [name, value]] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    if (name !== other[0]) return name < other[0] ? -1 : 1;
    if (value !== other[1]) return value < other[1] ? -1 : 1;
  }
  return left.length - right.length;
}

const SAME_LABELS = 'vector cannot contain metrics with the same labelset';

/** For what must not give two series with the same labels, whatever the instant. */
export function expectDistinct(columns: readonly Column[]): readonly Column[] {
  const keys = new Set(columns.map(({ labels }) => labelsToText(labels)));
  if (keys.size === columns.length) return columns;
  throw executionError(SAME_LABELS);
}

/** Columns with the same labels become one, unless both have a value at the same instant. */
export function mergeColumns(pace: Pace, columns: readonly Column[]): readonly Column[] {
  const merged = new Map<string, Column>();
  let isOwn: Set<Column> | undefined;
  for (const column of columns) {
    const key = labelsToText(column.labels);
    const known = merged.get(key);
    if (known === undefined) {
      merged.set(key, column);
      continue;
    }
    isOwn ??= new Set();
    let into = known;
    if (!isOwn.has(known)) {
      // The column may be somebody else's operand too.
      into = createColumn(pace, known.labels, known.values.length);
      into.values.set(known.values);
      into.present.set(known.present);
      isOwn.add(into);
      merged.set(key, into);
    }
    addInto(into, column);
  }
  return merged.size === columns.length ? columns : [...merged.values()];
}

function addInto(into: Column, column: Column): void {
  for (let step = 0; step < column.present.length; step += 1) {
    if (column.present[step] === 0) continue;
    if (into.present[step] === 1) throw executionError(SAME_LABELS);
    into.present[step] = 1;
    into.values[step] = column.values[step] ?? NaN;
  }
}
