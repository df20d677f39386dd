/** A parsed query: what the grammar's tree says, checked and with precedence settled. */
import type { LabelMatcher } from '#metrics/metric-reader.ts';

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** Where `@` pins an expression: an instant, or an end of the whole query. */
export type PinnedInstant =
  | { readonly kind: 'instant'; readonly atMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

/** `@` first, then `offset`, in whichever order they were written. */
export interface TimeShift {
  readonly offsetMs: number;
  readonly pin: PinnedInstant | undefined;
}

export interface NumberNode {
  readonly kind: 'number';
  readonly value: number;
}

export interface StringNode {
  readonly kind: 'string';
  readonly text: string;
}

export interface SelectorNode {
  readonly kind: 'selector';
  /** With one for `__name__` where the query names the metric. */
  readonly matchers: readonly LabelMatcher[];
  readonly shift: TimeShift;
}

export interface MatrixNode {
  readonly kind: 'matrix';
  readonly selector: SelectorNode;
  readonly rangeMs: number;
}

export interface SubqueryNode {
  readonly kind: 'subquery';
  readonly inner: Expression;
  readonly rangeMs: number;
  /** Undefined: the evaluator's own default. */
  readonly stepMs: number | undefined;
  readonly shift: TimeShift;
}

export interface UnaryNode {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly operand: Expression;
}

export const ARITHMETIC_OPERATORS = ['+', '-', '*', '/', '%', '^', 'atan2'] as const;
export const COMPARISON_OPERATORS = ['==', '!=', '<=', '<', '>=', '>'] as const;
export const SET_OPERATORS = ['and', 'or', 'unless'] as const;

export type ArithmeticOperator = (typeof ARITHMETIC_OPERATORS)[number];
export type ComparisonOperator = (typeof COMPARISON_OPERATORS)[number];
export type SetOperator = (typeof SET_OPERATORS)[number];
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return (COMPARISON_OPERATORS as readonly string[]).includes(operator);
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return (SET_OPERATORS as readonly string[]).includes(operator);
}

/** How series of two vectors find each other. */
export interface VectorMatching {
  /** `on` these labels; otherwise all but these. */
  readonly isOn: boolean;
  readonly labels: readonly string[];
  /** Which side may have many series for one of the other. */
  readonly many: 'none' | 'left' | 'right';
  /** Labels taken over from the side that has one. */
  readonly include: readonly string[];
}

export interface BinaryNode {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly isBool: boolean;
  /** Undefined when the query says nothing about it. */
  readonly matching: VectorMatching | undefined;
}

export const AGGREGATIONS = [
  ...(['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const),
  ...(['topk', 'bottomk', 'quantile', 'count_values'] as const),
] as const;

export type Aggregation = (typeof AGGREGATIONS)[number];

export interface AggregateNode {
  readonly kind: 'aggregate';
  readonly operator: Aggregation;
  readonly parameter: Expression | undefined;
  readonly inner: Expression;
  readonly isWithout: boolean;
  readonly labels: readonly string[];
}

export interface CallNode {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface ParenNode {
  readonly kind: 'paren';
  readonly inner: Expression;
}

export type Expression =
  | NumberNode
  | StringNode
  | SelectorNode
  | MatrixNode
  | SubqueryNode
  | UnaryNode
  | BinaryNode
  | AggregateNode
  | CallNode
  | ParenNode;

export function withoutParens(node: Expression): Expression {
  let inner = node;
  while (inner.kind === 'paren') inner = inner.inner;
  return inner;
}
