/** What operators do to two numbers. */
import type { ArithmeticOperator, BinaryOperator, ComparisonOperator } from './syntax-tree.ts';
import { isComparison, isSetOperator } from './syntax-tree.ts';

export type NumberOperation = (left: number, right: number) => number;

/** As IEEE 754 has it, where this language does not: 1 to any power, and -1 to an infinite one. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent)))
    return 1;
  return base ** exponent;
}

const ARITHMETIC: Record<ArithmeticOperator, NumberOperation> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

const COMPARISONS: Record<ComparisonOperator, (left: number, right: number) => boolean> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

/** Either gives a number for each pair, or keeps pairs and drops others. */
export interface PairOperation {
  readonly compute: NumberOperation;
  readonly keeps: ((left: number, right: number) => boolean) | undefined;
}

export function pairOperation(operator: BinaryOperator, isBool: boolean): PairOperation {
  if (isSetOperator(operator)) throw new Error(`${operator} is not between numbers`);
  if (!isComparison(operator)) return { compute: ARITHMETIC[operator], keeps: undefined };
  const compare = COMPARISONS[operator];
  if (!isBool) return { compute: (left) => left, keeps: compare };
  return { compute: (left, right) => (compare(left, right) ? 1 : 0), keeps: undefined };
}
