/** Aggregations: many series become one for each group, or the few that stand out. */
import { createLabels, isLabelName } from '#metrics/labels.ts';
import { createColumn, mergeColumns, type Column } from './column.ts';
import { groupKey, groupLabels } from './grouping.ts';
import type { Pace } from './pace.ts';
import { quantileOfSorted } from './quantile.ts';
import { executionError } from './query-error.ts';
import type { AggregateNode, Aggregation } from './syntax-tree.ts';

type Simple = Exclude<Aggregation, 'topk' | 'bottomk' | 'quantile' | 'count_values'>;

/** Takes values in one after the other; `count` says the how manieth, from 1. */
interface Fold {
  readonly add: (state: FoldState, step: number, value: number) => void;
  /** The result, of what was kept. */
  readonly finish?: (state: FoldState, step: number) => number;
}

interface FoldState {
  readonly values: Float64Array;
  readonly counts: Float64Array;
  /** For those that need two running figures. */
  readonly means: Float64Array;
}

const at = (array: Float64Array, step: number) => array[step] ?? NaN;

function deviate(state: FoldState, step: number, value: number): void {
  if (state.counts[step] === 1) {
    // A single value does not deviate from itself, whatever it is.
    state.means[step] = value;
    return;
  }
  const delta = value - at(state.means, step);
  state.means[step] = at(state.means, step) + delta / at(state.counts, step);
  state.values[step] = at(state.values, step) + delta * (value - at(state.means, step));
}

function keepIf(isBetter: (value: number, kept: number) => boolean): Fold['add'] {
  return ({ values, counts }, step, value) => {
    const kept = at(values, step);
    const isFirst = counts[step] === 1;
    if (isFirst || Number.isNaN(kept) || isBetter(value, kept)) values[step] = value;
  };
}

const FOLDS: Record<Simple, Fold> = {
  sum: { add: ({ values }, step, value) => void (values[step] = at(values, step) + value) },
  avg: {
    add: ({ values }, step, value) => void (values[step] = at(values, step) + value),
    finish: ({ values, counts }, step) => at(values, step) / at(counts, step),
  },
  min: { add: keepIf((value, kept) => value < kept) },
  max: { add: keepIf((value, kept) => value > kept) },
  count: { add: () => undefined, finish: ({ counts }, step) => at(counts, step) },
  group: { add: () => undefined, finish: () => 1 },
  stdvar: {
    add: deviate,
    finish: ({ values, counts }, step) => at(values, step) / at(counts, step),
  },
  stddev: {
    add: deviate,
    finish: ({ values, counts }, step) => Math.sqrt(at(values, step) / at(counts, step)),
  },
};

export interface AggregateInput {
  readonly columns: readonly Column[];
  readonly count: number;
  /** The scalar parameter for each instant, or the text of count_values. */
  readonly parameter: Float64Array | undefined;
  readonly text: string | undefined;
}

export async function aggregate(
  pace: Pace,
  node: AggregateNode,
  input: AggregateInput,
): Promise<readonly Column[]> {
  if (node.operator === 'topk' || node.operator === 'bottomk') {
    // Also where there is nothing to choose from.
    for (const value of input.parameter ?? []) expectWholeNumber(value);
  }
  const key = groupKey(node);
  const groups = Map.groupBy(input.columns, ({ labels }) => key(labels));
  const results: Column[] = [];
  for (const members of groups.values()) {
    if (pace.isDue) await pace.pause();
    switch (node.operator) {
      case 'topk':
      case 'bottomk':
        results.push(...(await standOut(pace, node, { ...input, columns: members })));
        break;
      case 'count_values':
        results.push(...countValues(pace, node, { ...input, columns: members }));
        break;
      case 'quantile':
        results.push(await quantiles(pace, node, { ...input, columns: members }));
        break;
      default:
        results.push(await fold(pace, node, FOLDS[node.operator], { ...input, columns: members }));
    }
  }
  return node.operator === 'count_values' ? mergeColumns(pace, results) : results;
}

function resultColumn(pace: Pace, node: AggregateNode, { columns, count }: AggregateInput): Column {
  return createColumn(pace, groupLabels(node, columns[0]?.labels ?? {}), count);
}

async function fold(
  pace: Pace,
  node: AggregateNode,
  { add, finish }: Fold,
  input: AggregateInput,
): Promise<Column> {
  const into = resultColumn(pace, node, input);
  const { count } = input;
  const counts = new Float64Array(count);
  const state: FoldState = { values: into.values, counts, means: new Float64Array(count) };
  for (const { values, present } of input.columns) {
    if (pace.isDue) await pace.pause();
    for (let step = 0; step < count; step += 1) {
      if (present[step] === 0) continue;
      counts[step] = at(counts, step) + 1;
      add(state, step, at(values, step));
    }
  }
  for (let step = 0; step < count; step += 1) {
    if (counts[step] === 0) continue;
    into.present[step] = 1;
    if (finish !== undefined) into.values[step] = finish(state, step);
  }
  return into;
}

async function quantiles(pace: Pace, node: AggregateNode, input: AggregateInput): Promise<Column> {
  const into = resultColumn(pace, node, input);
  const scratch = new Float64Array(input.columns.length);
  for (let step = 0; step < input.count; step += 1) {
    if (pace.isDue) await pace.pause();
    let size = 0;
    for (const { values, present } of input.columns) {
      if (present[step] === 1) scratch[size++] = at(values, step);
    }
    if (size === 0) continue;
    const sorted = scratch.subarray(0, size).sort(notNumbersFirst);
    into.present[step] = 1;
    into.values[step] = quantileOfSorted(input.parameter?.[step] ?? NaN, sorted);
  }
  return into;
}

function notNumbersFirst(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a - b;
}

const MAX_INT64 = 2 ** 63;

/** Those that stand out keep their labels, and at a single instant come best first. */
async function standOut(
  pace: Pace,
  { operator }: AggregateNode,
  { columns, count, parameter }: AggregateInput,
): Promise<readonly Column[]> {
  const sign = operator === 'topk' ? -1 : 1;
  const masks = columns.map((column) => {
    pace.spend(count);
    return { ...column, present: new Uint8Array(count) };
  });
  let order: readonly number[] = [];
  for (let step = 0; step < count; step += 1) {
    if (pace.isDue) await pace.pause();
    const wanted = Math.trunc(parameter?.[step] ?? 0);
    const here: number[] = [];
    for (const [index, { present }] of columns.entries()) if (present[step] === 1) here.push(index);
    if (wanted < here.length || count === 1) {
      here.sort((a, b) => byValue(valueAt(columns, a, step), valueAt(columns, b, step), sign));
    }
    order = here.slice(0, Math.max(0, wanted));
    for (const index of order) {
      const mask = masks[index];
      if (mask !== undefined) mask.present[step] = 1;
    }
  }
  return count === 1 ? order.flatMap((index) => masks[index] ?? []) : masks;
}

function valueAt(columns: readonly Column[], index: number, step: number): number {
  return columns[index]?.values[step] ?? NaN;
}

function expectWholeNumber(value: number): void {
  if (value >= -MAX_INT64 && value < MAX_INT64) return;
  throw executionError(`the scalar value ${value} is no whole number of 64 bits`);
}

/** Upwards with sign 1, downwards with -1; what is not a number comes last either way. */
export function byValue(a: number, b: number, sign: 1 | -1): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : a < b ? -sign : sign;
}

function countValues(
  pace: Pace,
  node: AggregateNode,
  { columns, count, text = '' }: AggregateInput,
): readonly Column[] {
  if (!isLabelName(text)) throw executionError(`invalid label name ${JSON.stringify(text)}`);
  const base = groupLabels(node, columns[0]?.labels ?? {});
  const found = new Map<number, Column>();
  for (const { values, present } of columns) {
    for (let step = 0; step < count; step += 1) {
      if (present[step] === 0) continue;
      const value = at(values, step);
      let column = found.get(value);
      if (column === undefined) {
        const labels = createLabels([...Object.entries({ ...base, [text]: plainDecimal(value) })]);
        column = createColumn(pace, labels, count);
        found.set(value, column);
      }
      column.present[step] = 1;
      column.values[step] = at(column.values, step) + 1;
    }
  }
  return [...found.values()];
}

/** The shortest digits that mean this number, never with an exponent. */
function plainDecimal(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  const text = Object.is(value, -0) ? '-0' : String(value);
  const parts = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (parts === null) return text;
  const [, sign = '', first = '', rest = '', power = '0'] = parts;
  const exponent = Number(power);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${first}${rest}`;
  return `${sign}${first}${rest.padEnd(exponent, '0')}`;
}
