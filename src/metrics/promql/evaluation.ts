/**
 * Evaluates a tree over all instants of a query at once.
 *
 *   samples, read before → columns (a value and a mark for each instant) → … → columns
 *
 * A selector looks back from each instant, a range function slides a window along the points, and
 * everything else works from columns to columns. A subquery is evaluated on instants of its own,
 * and its columns then are points for the window around it.
 */
import { MINUTE_MS } from '#kernel/units.ts';
import type { Labels } from '#metrics/labels.ts';
import type { SeriesPoints } from '#metrics/metric-reader.ts';
import { aggregate } from './aggregate.ts';
import { pairOperation } from './arithmetic.ts';
import { callFunction } from './call-function.ts';
import {
  createColumn,
  expectDistinct,
  gridTimes,
  isEverPresent,
  mergeColumns,
  withoutName,
  type Column,
  type Grid,
  type Value,
} from './column.ts';
import type { Evaluator, Windows } from './evaluator.ts';
import type { Pace } from './pace.ts';
import { DEFAULT_SUBQUERY_STEP_MS, shiftInstant, type QuerySpan } from './plan-selections.ts';
import {
  isComparison,
  isSetOperator,
  withoutParens,
  type AggregateNode,
  type BinaryNode,
  type Expression,
  type SelectorNode,
  type SubqueryNode,
  type TimeShift,
} from './syntax-tree.ts';
import { combineSets, combineVectors } from './vector-matching.ts';
import { withoutEndMarks, type WindowContext } from './window.ts';

/** How far to look back for rolled-up points: a little more than the coarsest are apart. */
export const ROLLED_UP_LOOKBACK_MS = 20 * MINUTE_MS;

export interface EvaluationParts {
  readonly pace: Pace;
  readonly span: QuerySpan;
  readonly lookbackMs: number;
  readonly samples: ReadonlyMap<SelectorNode, readonly SeriesPoints[]>;
}

export class Evaluation implements Evaluator {
  readonly pace: Pace;
  readonly grid: Grid;
  readonly timesMs: Float64Array;
  readonly #parts: EvaluationParts;

  constructor(parts: EvaluationParts, grid: Grid) {
    this.#parts = parts;
    this.pace = parts.pace;
    this.pace.spend(grid.count);
    this.grid = grid;
    this.timesMs = gridTimes(grid);
  }

  async evaluate(node: Expression): Promise<Value> {
    switch (node.kind) {
      case 'number':
        return { kind: 'scalar', values: this.newScalar().fill(node.value) };
      case 'string':
        return { kind: 'string', text: node.text };
      case 'paren':
        return await this.evaluate(node.inner);
      case 'selector':
        return { kind: 'vector', columns: await this.#select(node) };
      case 'unary': {
        const operand = await this.evaluate(node.operand);
        return node.operator === '-' ? this.#negate(operand) : operand;
      }
      case 'binary':
        return await this.#binary(node);
      case 'aggregate':
        return { kind: 'vector', columns: await this.#aggregate(node) };
      case 'call':
        return await callFunction(this, node);
      case 'matrix':
      case 'subquery':
        throw new Error('a range vector has no value of its own');
    }
  }

  async vector(node: Expression): Promise<readonly Column[]> {
    const value = await this.evaluate(node);
    return value.kind === 'vector' ? value.columns : [];
  }

  async scalar(node: Expression): Promise<Float64Array> {
    const value = await this.evaluate(node);
    return value.kind === 'scalar' ? value.values : this.newScalar().fill(NaN);
  }

  newScalar(): Float64Array {
    this.pace.spend(this.grid.count);
    return new Float64Array(this.grid.count);
  }

  newColumn(labels: Labels): Column {
    return createColumn(this.pace, labels, this.grid.count);
  }

  /** Each value by itself becomes another; the result is of no metric. */
  async map(
    columns: readonly Column[],
    compute: (value: number, step: number) => number,
  ): Promise<readonly Column[]> {
    const results: Column[] = [];
    for (const { labels, values, present } of columns) {
      if (this.pace.isDue) await this.pace.pause();
      this.pace.spend(values.length);
      results.push({ labels: withoutName(labels), values: values.map(compute), present });
    }
    return mergeColumns(this.pace, results);
  }

  async windows(argument: Expression): Promise<Windows> {
    const node = withoutParens(argument);
    if (node.kind === 'subquery') return await this.#subquery(node);
    if (node.kind !== 'matrix') throw new Error('only ranges and subqueries have windows');
    const series: SeriesPoints[] = [];
    for (const points of this.#parts.samples.get(node.selector) ?? []) {
      if (this.pace.isDue) await this.pace.pause();
      series.push(withoutEndMarks(points));
    }
    return { series, context: this.#context(node.selector.shift, node.rangeMs) };
  }

  /** The samples that an instant selector finds: their values, or the times they were taken. */
  async lookUp(
    node: SelectorNode,
    pick: (points: SeriesPoints, at: number) => number,
  ): Promise<readonly Column[]> {
    const { lookbackMs, samples } = this.#parts;
    const endsMs = this.#shifted(node.shift);
    const columns: Column[] = [];
    for (const points of samples.get(node) ?? []) {
      if (this.pace.isDue) await this.pace.pause();
      const column = this.newColumn(points.labels);
      const { times, values, counts } = points;
      const backMs =
        counts === undefined ? lookbackMs : Math.max(lookbackMs, ROLLED_UP_LOOKBACK_MS);
      let next = 0;
      for (let step = 0; step < endsMs.length; step += 1) {
        const atMs = endsMs[step] ?? NaN;
        while (next < times.length && (times[next] ?? NaN) <= atMs) next += 1;
        const isRecent = next > 0 && (times[next - 1] ?? NaN) >= atMs - backMs;
        if (!isRecent || Number.isNaN(values[next - 1])) continue;
        column.present[step] = 1;
        column.values[step] = pick(points, next - 1);
      }
      if (isEverPresent(column)) columns.push(column);
    }
    return columns;
  }

  async #select(node: SelectorNode): Promise<readonly Column[]> {
    return await this.lookUp(node, ({ values }, at) => values[at] ?? NaN);
  }

  async #subquery(node: SubqueryNode): Promise<Windows> {
    const context = this.#context(node.shift, node.rangeMs);
    const stepMs = node.stepMs ?? DEFAULT_SUBQUERY_STEP_MS;
    const fromMs = (context.endsMs[0] ?? NaN) - node.rangeMs;
    const toMs = context.endsMs.at(-1) ?? NaN;
    // Its instants are whole multiples of the step, wherever the query begins.
    const startMs = Math.ceil(fromMs / stepMs) * stepMs;
    const count = Math.max(0, Math.floor((toMs - startMs) / stepMs) + 1);
    const inner = new Evaluation(this.#parts, { startMs, stepMs, count });
    const columns = await inner.vector(node.inner);
    const series: SeriesPoints[] = [];
    for (const column of columns) {
      if (this.pace.isDue) await this.pace.pause();
      if (!isEverPresent(column)) continue;
      this.pace.spend(count);
      const isPresent = (_: number, step: number) => column.present[step] === 1;
      series.push({
        labels: column.labels,
        times: inner.timesMs.filter(isPresent),
        values: column.values.filter(isPresent),
        counts: undefined,
      });
    }
    return { series, context };
  }

  #context(shift: TimeShift, rangeMs: number): WindowContext {
    const endsMs = this.#shifted(shift);
    return { endsMs, rangeMs, timesMs: this.timesMs, parameter: undefined };
  }

  #shifted(shift: TimeShift): Float64Array {
    if (shift.offsetMs === 0 && shift.pin === undefined) return this.timesMs;
    return this.timesMs.map((atMs) => shiftInstant(atMs, shift, this.#parts.span));
  }

  #negate(operand: Value): Value {
    if (operand.kind === 'scalar') {
      return { kind: 'scalar', values: operand.values.map((value) => -value) };
    }
    if (operand.kind !== 'vector') return operand;
    const columns = operand.columns.map(({ labels, values, present }) => {
      this.pace.spend(values.length);
      return { labels: withoutName(labels), values: values.map((value) => -value), present };
    });
    return { kind: 'vector', columns: expectDistinct(columns) };
  }

  async #binary(node: BinaryNode): Promise<Value> {
    const left = await this.evaluate(node.left);
    const right = await this.evaluate(node.right);
    const { pace } = this;
    if (left.kind === 'vector' && right.kind === 'vector') {
      const operands = { left: left.columns, right: right.columns, count: this.grid.count };
      const combineBoth = isSetOperator(node.operator) ? combineSets : combineVectors;
      return { kind: 'vector', columns: await combineBoth(pace, node, operands) };
    }
    const { compute, keeps } = pairOperation(node.operator, node.isBool);
    if (left.kind === 'scalar' && right.kind === 'scalar') {
      const values = this.newScalar();
      for (let step = 0; step < values.length; step += 1) {
        values[step] = compute(left.values[step] ?? NaN, right.values[step] ?? NaN);
      }
      return { kind: 'scalar', values };
    }
    const columns: Column[] = [];
    // A comparison without bool only drops values, so what is kept is still of its metric.
    const keepsName = isComparison(node.operator) && !node.isBool;
    const [vector, scalar, isFirst] =
      left.kind === 'vector' ? [left, right, true] : [right, left, false];
    if (vector.kind !== 'vector' || scalar.kind !== 'scalar') return vector;
    for (const { labels, values, present } of vector.columns) {
      if (pace.isDue) await pace.pause();
      const into = this.newColumn(keepsName ? labels : withoutName(labels));
      for (let step = 0; step < values.length; step += 1) {
        if (present[step] === 0) continue;
        const own = values[step] ?? NaN;
        const other = scalar.values[step] ?? NaN;
        const [a, b] = isFirst ? [own, other] : [other, own];
        if (keeps !== undefined && !keeps(a, b)) continue;
        into.present[step] = 1;
        into.values[step] = keeps === undefined ? compute(a, b) : own;
      }
      columns.push(into);
    }
    return { kind: 'vector', columns: mergeColumns(pace, columns) };
  }

  async #aggregate(node: AggregateNode): Promise<readonly Column[]> {
    const parameter =
      node.parameter === undefined ? undefined : await this.evaluate(node.parameter);
    const columns = (await this.vector(node.inner)).filter(isEverPresent);
    return await aggregate(this.pace, node, {
      columns,
      count: this.grid.count,
      parameter: parameter?.kind === 'scalar' ? parameter.values : undefined,
      text: parameter?.kind === 'string' ? parameter.text : undefined,
    });
  }
}
