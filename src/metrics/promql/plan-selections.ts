/**
 * What a query will need of the reader, found before anything is evaluated: each selector is read
 * once, for all instants together. Conditions of the caller go into every one of them here, and
 * nowhere else does a query reach samples; so nothing in its text gets round them.
 */
import type { LabelMatcher, RollupColumn } from '#metrics/metric-reader.ts';
import type { Expression, SelectorNode, TimeShift } from './syntax-tree.ts';

export interface QuerySpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface PlannedSelection {
  readonly matchers: readonly LabelMatcher[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly column: RollupColumn;
  /** Looks back from each instant, and not over a range of its own. */
  readonly isLookBack: boolean;
  /** Whoever asks for the same. */
  readonly selectors: SelectorNode[];
}

export interface PlanOptions {
  readonly span: QuerySpan;
  readonly lookbackMs: number;
  readonly extraMatchers: readonly LabelMatcher[];
}

/** When a subquery does not say how far its instants are apart. */
export const DEFAULT_SUBQUERY_STEP_MS = 60_000;

/**
 * What functions take of rolled-up points. Those not named here look at every sample, and are given
 * the finest points there are.
 */
const COLUMNS: Readonly<Record<string, RollupColumn>> = {
  avg_over_time: 'sum',
  sum_over_time: 'sum',
  count_over_time: 'sum',
  min_over_time: 'min',
  max_over_time: 'max',
  rate: 'last',
  increase: 'last',
  delta: 'last',
  last_over_time: 'last',
  present_over_time: 'last',
  absent_over_time: 'last',
};

/** The instant that is looked at when `atMs` is evaluated. */
export function shiftInstant(atMs: number, { offsetMs, pin }: TimeShift, span: QuerySpan): number {
  if (pin === undefined) return atMs - offsetMs;
  switch (pin.kind) {
    case 'instant':
      return pin.atMs - offsetMs;
    case 'start':
      return span.startMs - offsetMs;
    case 'end':
      return span.endMs - offsetMs;
  }
}

export function planSelections(
  expression: Expression,
  options: PlanOptions,
): readonly PlannedSelection[] {
  const planner = new Planner(options);
  planner.visit(expression, options.span);
  return planner.selections();
}

class Planner {
  readonly #options: PlanOptions;
  readonly #planned = new Map<string, PlannedSelection>();

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  selections(): readonly PlannedSelection[] {
    return [...this.#planned.values()];
  }

  /** `during` is when this part of the query is evaluated. */
  visit(node: Expression, during: QuerySpan): void {
    switch (node.kind) {
      case 'number':
      case 'string':
        return;
      case 'selector':
        this.#add(node, {
          during,
          backMs: this.#options.lookbackMs,
          ...{ column: 'last', isLookBack: true },
        });
        return;
      case 'matrix':
        this.#add(node.selector, {
          during: { ...during, stepMs: 0 },
          backMs: node.rangeMs,
          ...{ column: 'last', isLookBack: false },
        });
        return;
      case 'subquery': {
        const { span } = this.#options;
        const stepMs = node.stepMs ?? DEFAULT_SUBQUERY_STEP_MS;
        const startMs = shiftInstant(during.startMs, node.shift, span) - node.rangeMs;
        const endMs = shiftInstant(during.endMs, node.shift, span);
        this.visit(node.inner, { startMs, endMs, stepMs });
        return;
      }
      case 'paren':
        this.visit(node.inner, during);
        return;
      case 'unary':
        this.visit(node.operand, during);
        return;
      case 'binary':
        this.visit(node.left, during);
        this.visit(node.right, during);
        return;
      case 'aggregate':
        if (node.parameter !== undefined) this.visit(node.parameter, during);
        this.visit(node.inner, during);
        return;
      case 'call':
        for (const arg of node.args) this.#visitArgument(node.name, arg, during);
    }
  }

  #visitArgument(name: string, arg: Expression, during: QuerySpan): void {
    const column = COLUMNS[name];
    if (arg.kind === 'matrix' && column !== undefined) {
      this.#add(arg.selector, { during, backMs: arg.rangeMs, column, isLookBack: false });
    } else this.visit(arg, during);
  }

  #add(
    selector: SelectorNode,
    need: { during: QuerySpan; backMs: number; column: RollupColumn; isLookBack: boolean },
  ): void {
    const { span, extraMatchers } = this.#options;
    const { during, backMs, column, isLookBack } = need;
    const fromMs = shiftInstant(during.startMs, selector.shift, span) - backMs;
    const toMs = shiftInstant(during.endMs, selector.shift, span);
    // Points further apart than what is looked back on would often not be seen at all.
    const stepMs = selector.shift.pin === undefined ? Math.min(during.stepMs, backMs) : 0;
    const matchers = [...selector.matchers, ...extraMatchers];
    const key = JSON.stringify([matchers, fromMs, toMs, stepMs, column, isLookBack]);
    const known = this.#planned.get(key);
    if (known !== undefined) known.selectors.push(selector);
    else {
      const times = { fromMs, toMs, stepMs };
      this.#planned.set(key, { matchers, ...times, column, isLookBack, selectors: [selector] });
    }
  }
}
