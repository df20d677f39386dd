/**
 * Operators between two vectors. Series that agree in the matching labels meet; on the side that
 * has "one", two of the same key at the same instant are an error, as is a result that would come
 * twice. Whether there are two is asked for each instant: series may take turns.
 */
import { METRIC_NAME, createLabels, labelsToText, type Labels } from '#metrics/labels.ts';
import { pairOperation, type PairOperation } from './arithmetic.ts';
import { createColumn, labelOf, mergeColumns, type Column } from './column.ts';
import { groupKey } from './grouping.ts';
import type { Pace } from './pace.ts';
import { executionError } from './query-error.ts';
import { isComparison, type BinaryNode, type VectorMatching } from './syntax-tree.ts';

const DEFAULT_MATCHING: VectorMatching = { isOn: false, labels: [], many: 'none', include: [] };

export interface VectorPair {
  readonly left: readonly Column[];
  readonly right: readonly Column[];
  /** How many instants. */
  readonly count: number;
}

function matchKey({ isOn, labels }: VectorMatching): (labels: Labels) => string {
  return groupKey({ isWithout: !isOn, labels });
}

export async function combineVectors(
  pace: Pace,
  node: BinaryNode,
  { left, right, count }: VectorPair,
): Promise<readonly Column[]> {
  const matching = node.matching ?? DEFAULT_MATCHING;
  const isSwapped = matching.many === 'right';
  const [many, one] = isSwapped ? [right, left] : [left, right];
  const key = matchKey(matching);
  const ones = Map.groupBy(one, ({ labels }) => key(labels));
  // Where either side has nothing at all, nothing meets, and nothing is wrong.
  const others = new Uint8Array(count);
  for (const { present } of many)
    for (const [step, is] of present.entries()) if (is === 1) others[step] = 1;
  const side = isSwapped ? 'left' : 'right';
  for (const group of ones.values()) expectOne(group, others, side);
  const results = new Results(pace, count, matching.many !== 'none');
  const operation = pairOperation(node.operator, node.isBool);
  const label = resultLabels(node, matching);
  for (const column of many) {
    const group = key(column.labels);
    for (const other of ones.get(group) ?? []) {
      if (pace.isDue) await pace.pause();
      const into = results.columnOf(label(column.labels, other.labels), group);
      combine(operation, { column, other, isSwapped }, into);
    }
  }
  return results.columns();
}

function expectOne(group: readonly Column[], others: Uint8Array, side: string): void {
  const [first, ...rest] = group;
  if (first === undefined || rest.length === 0) return;
  const taken = Uint8Array.from(first.present);
  for (const { labels, present } of rest) {
    for (let step = 0; step < present.length; step += 1) {
      if (present[step] === 0 || others[step] === 0) continue;
      if (taken[step] === 1) {
        const which = `{${labelsToText(first.labels)}} and {${labelsToText(labels)}}`;
        throw executionError(
          `found duplicate series for the match group on the ${side} hand-side of the operation: ` +
            `${which}; many-to-many matching not allowed: matching labels must be unique on one ` +
            'side',
        );
      }
      taken[step] = 1;
    }
  }
}

/** What the result of a pair is called; the first labels are of the side with many. */
function resultLabels(
  { operator, isBool }: BinaryNode,
  { isOn, labels: names, many, include }: VectorMatching,
): (many: Labels, one: Labels) => Labels {
  // Prometheus forgot atan2 here; and its answers are what dashboards are made for.
  const isNameless = isBool || (!isComparison(operator) && operator !== 'atan2');
  const matched = new Set(names);
  return (ofMany, ofOne) => {
    const entries = Object.entries(ofMany).filter(([name]) => {
      if (name === METRIC_NAME && isNameless) return false;
      if (many !== 'none') return !include.includes(name);
      return matched.has(name) === isOn;
    });
    for (const name of include) entries.push([name, labelOf(ofOne, name)]);
    return createLabels(entries);
  };
}

interface ResultColumn {
  readonly column: Column;
  /** Instants at which this match group has given a result, where it may give but one. */
  readonly taken: Uint8Array | undefined;
}

class Results {
  readonly #pace: Pace;
  readonly #count: number;
  readonly #isGrouped: boolean;
  readonly #columns = new Map<string, Column>();
  readonly #taken = new Map<string, Uint8Array>();

  constructor(pace: Pace, count: number, isGrouped: boolean) {
    this.#pace = pace;
    this.#count = count;
    this.#isGrouped = isGrouped;
  }

  columnOf(labels: Labels, group: string): ResultColumn {
    const key = labelsToText(labels);
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = createColumn(this.#pace, labels, this.#count);
      this.#columns.set(key, column);
    }
    if (this.#isGrouped) return { column, taken: undefined };
    let taken = this.#taken.get(group);
    if (taken === undefined) {
      taken = new Uint8Array(this.#count);
      this.#taken.set(group, taken);
    }
    return { column, taken };
  }

  columns(): readonly Column[] {
    return [...this.#columns.values()];
  }
}

interface Pair {
  readonly column: Column;
  readonly other: Column;
  /** The first is the right operand. */
  readonly isSwapped: boolean;
}

function combine(
  { compute, keeps }: PairOperation,
  { column, other, isSwapped }: Pair,
  { column: into, taken }: ResultColumn,
): void {
  const [left, right] = isSwapped ? [other, column] : [column, other];
  for (let step = 0; step < into.present.length; step += 1) {
    if (left.present[step] === 0 || right.present[step] === 0) continue;
    const a = left.values[step] ?? NaN;
    const b = right.values[step] ?? NaN;
    if (keeps !== undefined && !keeps(a, b)) continue;
    if (taken?.[step] === 1) {
      throw executionError(
        'multiple matches for labels: many-to-one matching must be explicit ' +
          '(group_left/group_right)',
      );
    }
    if (into.present[step] === 1) {
      throw executionError(
        'multiple matches for labels: grouping labels must ensure unique matches',
      );
    }
    if (taken !== undefined) taken[step] = 1;
    into.present[step] = 1;
    into.values[step] = compute(a, b);
  }
}

/** `and`, `or`, `unless`: what one vector has, by what the other has at the same instant. */
export async function combineSets(
  pace: Pace,
  node: BinaryNode,
  { left, right, count }: VectorPair,
): Promise<readonly Column[]> {
  const key = matchKey(node.matching ?? DEFAULT_MATCHING);
  const masks = new Map<string, Uint8Array>();
  const isOr = node.operator === 'or';
  for (const { labels, present } of isOr ? left : right) {
    if (pace.isDue) await pace.pause();
    const of = key(labels);
    const mask = masks.get(of) ?? new Uint8Array(count);
    masks.set(of, mask);
    for (let step = 0; step < count; step += 1)
      mask[step] = (mask[step] ?? 0) | (present[step] ?? 0);
  }
  const kept: Column[] = [];
  const keep = (column: Column, whenOther: 0 | 1) => {
    const mask = masks.get(key(column.labels));
    const present = column.present.map((is, step) =>
      is === 1 && (mask?.[step] ?? 0) === whenOther ? 1 : 0,
    );
    pace.spend(count);
    kept.push({ ...column, present });
  };
  if (isOr) kept.push(...left);
  for (const column of isOr ? right : left) {
    if (pace.isDue) await pace.pause();
    keep(column, node.operator === 'and' ? 1 : 0);
  }
  return mergeColumns(pace, kept);
}
