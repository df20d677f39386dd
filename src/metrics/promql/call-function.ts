/** Carries out the call of a function: one of the tables, or one of the few that are special. */
import { COUNTER_FUNCTIONS } from './counter-functions.ts';
import { expectDistinct, isEverPresent, withoutName, type Column, type Value } from './column.ts';
import {
  ELEMENT_FUNCTIONS,
  TIME_PARTS,
  secondsToDate,
  type ElementFunction,
} from './element-functions.ts';
import type { Evaluator } from './evaluator.ts';
import { byValue } from './aggregate.ts';
import { isTimeFunction } from './function-table.ts';
import { histogramQuantile } from './histogram-function.ts';
import {
  labelJoiner,
  labelReplacer,
  labelsOfAbsent,
  type LabelFunction,
} from './label-functions.ts';
import { OVER_TIME_FUNCTIONS } from './over-time-functions.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { withoutParens, type CallNode, type Expression } from './syntax-tree.ts';
import { typeOf } from './type-checks.ts';
import type { RangeFunction } from './window.ts';

const RANGE_FUNCTIONS: ReadonlyMap<string, RangeFunction> = new Map(
  Object.entries({ ...COUNTER_FUNCTIONS, ...OVER_TIME_FUNCTIONS }),
);
const ELEMENTS: ReadonlyMap<string, ElementFunction> = new Map(Object.entries(ELEMENT_FUNCTIONS));

type SpecialFunction = (run: Evaluator, args: readonly Expression[]) => Promise<Value>;

const SPECIAL_FUNCTIONS: Readonly<Record<string, SpecialFunction>> = {
  time: async (run) => ({ kind: 'scalar', values: run.timesMs.map((ms) => ms / SECOND_MS) }),
  pi: async (run) => ({ kind: 'scalar', values: run.newScalar().fill(Math.PI) }),
  scalar: async (run, [of]) => ({ kind: 'scalar', values: await onlyValues(run, of) }),
  vector: async (run, [of]) => {
    const column = run.newColumn({});
    if (of !== undefined) column.values.set(await run.scalar(of));
    return vectorOf([{ ...column, present: column.present.fill(1) }]);
  },
  absent: async (run, [of]) => {
    const columns = of === undefined ? [] : await run.vector(of);
    return vectorOf([whereNone(run, of, columns)]);
  },
  absent_over_time: async (run, [of]) => {
    const columns = of === undefined ? [] : await slide(run, of, () => () => 1);
    return vectorOf([whereNone(run, of, columns)]);
  },
  timestamp: async (run, [of]) => vectorOf(of === undefined ? [] : await timestamps(run, of)),
  sort: async (run, [of]) => vectorOf(of === undefined ? [] : sorted(await run.vector(of), 1)),
  sort_desc: async (run, [of]) =>
    vectorOf(of === undefined ? [] : sorted(await run.vector(of), -1)),
  histogram_quantile: async (run, [quantile, of]) => {
    if (quantile === undefined || of === undefined) return vectorOf([]);
    const at = await run.scalar(quantile);
    return vectorOf(await histogramQuantile(run.pace, at, await run.vector(of)));
  },
  label_replace: async (run, args) => relabelled(run, args, labelReplacer),
  label_join: async (run, args) => relabelled(run, args, labelJoiner),
  clamp: async (run, [of, least, most]) => {
    if (of === undefined || least === undefined || most === undefined) return vectorOf([]);
    const low = await run.scalar(least);
    const high = await run.scalar(most);
    const columns = await run.vector(of);
    // Bounds the wrong way round leave nothing at that instant.
    const isEmpty = low.map((value, step) => ((high[step] ?? NaN) < value ? 1 : 0));
    const within = await run.map(columns, (value, step) =>
      ELEMENT_FUNCTIONS.clamp(value, low[step] ?? NaN, high[step] ?? NaN),
    );
    if (!isEmpty.includes(1)) return vectorOf(within);
    return vectorOf(
      within.map((column) => ({
        ...column,
        present: column.present.map((is, step) => (isEmpty[step] === 1 ? 0 : is)),
      })),
    );
  },
};

/** Every function of the table in function-table.ts has its place here; a test says so. */
export function isCallable(name: string): boolean {
  return (
    RANGE_FUNCTIONS.has(name) ||
    ELEMENTS.has(name) ||
    isTimeFunction(name) ||
    Object.hasOwn(SPECIAL_FUNCTIONS, name)
  );
}

export async function callFunction(run: Evaluator, { name, args }: CallNode): Promise<Value> {
  const special = SPECIAL_FUNCTIONS[name];
  if (special !== undefined) return await special(run, args);
  if (isTimeFunction(name)) return vectorOf(await timeParts(run, name, args[0]));
  const overWindow = RANGE_FUNCTIONS.get(name);
  if (overWindow !== undefined) {
    const range = args.find((arg) => typeOf(arg) === 'matrix');
    const scalar = args.find((arg) => typeOf(arg) === 'scalar');
    if (range === undefined) return vectorOf([]);
    const parameter = scalar === undefined ? undefined : await run.scalar(scalar);
    const columns = await slide(run, range, overWindow, parameter);
    if (name === 'last_over_time') return vectorOf(expectDistinct(columns));
    const nameless = columns.map((column) => ({ ...column, labels: withoutName(column.labels) }));
    return vectorOf(expectDistinct(nameless));
  }
  const compute = ELEMENTS.get(name);
  const [of, first, second] = args;
  if (compute === undefined || of === undefined) throw new Error(`no function ${name}`);
  const one = first === undefined ? run.newScalar().fill(1) : await run.scalar(first);
  const other = second === undefined ? one : await run.scalar(second);
  const columns = await run.map(await run.vector(of), (value, step) =>
    compute(value, one[step] ?? NaN, other[step] ?? NaN),
  );
  return vectorOf(columns);
}

function vectorOf(columns: readonly Column[]): Value {
  return { kind: 'vector', columns };
}

/** A look at the clock each time so many points and windows have been gone through. */
const WORK_A_LOOK = 20_000;

async function slide(
  run: Evaluator,
  range: Expression,
  overWindow: RangeFunction,
  parameter?: Float64Array,
): Promise<readonly Column[]> {
  const { series, context } = await run.windows(range);
  const { endsMs, rangeMs } = context;
  const columns: Column[] = [];
  let work = 0;
  for (const points of series) {
    if (run.pace.isDue) await run.pace.pause();
    const compute = overWindow(points, { ...context, parameter });
    const column = run.newColumn(points.labels);
    const { times } = points;
    let low = 0;
    let high = 0;
    for (let step = 0; step < endsMs.length; step += 1) {
      const endMs = endsMs[step] ?? NaN;
      while (high < times.length && (times[high] ?? NaN) <= endMs) high += 1;
      while (low < high && (times[low] ?? NaN) < endMs - rangeMs) low += 1;
      if (low === high) continue;
      work += 1 + high - low;
      if (work > WORK_A_LOOK) {
        work = 0;
        if (run.pace.isDue) await run.pace.pause();
      }
      const value = compute(low, high, step);
      if (value === undefined) continue;
      column.present[step] = 1;
      column.values[step] = value;
    }
    if (isEverPresent(column)) columns.push(column);
  }
  return columns;
}

async function onlyValues(run: Evaluator, of: Expression | undefined): Promise<Float64Array> {
  const values = run.newScalar().fill(NaN);
  const found = new Uint32Array(values.length);
  for (const column of of === undefined ? [] : await run.vector(of)) {
    for (let step = 0; step < values.length; step += 1) {
      if (column.present[step] === 0) continue;
      found[step] = (found[step] ?? 0) + 1;
      values[step] = found[step] === 1 ? (column.values[step] ?? NaN) : NaN;
    }
  }
  return values;
}

function whereNone(run: Evaluator, of: Expression | undefined, columns: readonly Column[]): Column {
  const column = run.newColumn(of === undefined ? {} : labelsOfAbsent(of));
  column.values.fill(1);
  column.present.fill(1);
  for (const { present } of columns) {
    for (let step = 0; step < present.length; step += 1) {
      if (present[step] === 1) column.present[step] = 0;
    }
  }
  return column;
}

/** Of a selector, when samples were taken; of anything else, when it was evaluated. */
async function timestamps(run: Evaluator, of: Expression): Promise<readonly Column[]> {
  const node = withoutParens(of);
  if (node.kind === 'selector') {
    const taken = await run.lookUp(node, ({ times }, at) => (times[at] ?? NaN) / SECOND_MS);
    return await run.map(taken, (seconds) => seconds);
  }
  return await run.map(await run.vector(of), (_, step) => (run.timesMs[step] ?? NaN) / SECOND_MS);
}

/** The order matters for a single instant only; a range is put in order of labels later. */
function sorted(columns: readonly Column[], sign: 1 | -1): readonly Column[] {
  return columns.toSorted((a, b) => byValue(a.values[0] ?? NaN, b.values[0] ?? NaN, sign));
}

async function timeParts(
  run: Evaluator,
  name: keyof typeof TIME_PARTS,
  of: Expression | undefined,
): Promise<readonly Column[]> {
  const part = TIME_PARTS[name];
  if (of !== undefined) {
    return await run.map(await run.vector(of), (value) => part(secondsToDate(value)));
  }
  const now = run.newColumn({});
  now.present.fill(1);
  return await run.map([now], (_, step) =>
    part(secondsToDate((run.timesMs[step] ?? NaN) / SECOND_MS)),
  );
}

async function relabelled(
  run: Evaluator,
  [of, ...rest]: readonly Expression[],
  makeFunction: (args: readonly string[]) => LabelFunction,
): Promise<Value> {
  const relabel = makeFunction(rest.map((arg) => stringOf(arg)));
  const columns = of === undefined ? [] : await run.vector(of);
  const made: Column[] = [];
  for (const column of columns) {
    if (run.pace.isDue) await run.pace.pause();
    made.push({ ...column, labels: relabel(column.labels) });
  }
  return vectorOf(expectDistinct(made));
}

function stringOf(arg: Expression): string {
  const node = withoutParens(arg);
  return node.kind === 'string' ? node.text : '';
}
