/**
 * Puts a flat row of operands and operators into a tree.
 *
 *   or  <  and unless  <  == != <= < >= >  <  + -  <  * / % atan2  <  sign  <  ^  <  [ ] @ offset
 *
 * All but `^` group from the left. The grammar, made for editors, lets `offset` and brackets take a
 * whole sum before them, and a sign bind tighter than `^`; so its own grouping is not used.
 */
import type { DroverError } from '#kernel/errors.ts';
import type {
  BinaryNode,
  BinaryOperator,
  Expression,
  UnaryNode,
  VectorMatching,
} from './syntax-tree.ts';

export type Postfix = (target: Expression) => Expression;

export type RowItem =
  | { readonly kind: 'operand'; readonly node: Expression }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly at: number }
  | { readonly kind: 'postfix'; readonly apply: Postfix }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly isBool: boolean;
      readonly matching: VectorMatching | undefined;
      readonly at: number;
    };

type BinaryItem = Extract<RowItem, { kind: 'binary' }>;

export interface RowChecks {
  /** Throws unless the operand and sign, or the operands and operator, go together. */
  unary(node: UnaryNode, at: number): void;
  binary(node: BinaryNode, at: number): void;
  /** Of signs and powers within each other, which is how deep this goes. */
  readonly maxDepth: number;
  tooDeep(): DroverError;
}

const SIGN_STRENGTH = 6;
const POWER_STRENGTH = 7;

const STRENGTHS: Record<BinaryOperator, number> = {
  ...{ or: 1, and: 2, unless: 2 },
  ...{ '==': 3, '!=': 3, '<=': 3, '<': 3, '>=': 3, '>': 3 },
  ...{ '+': 4, '-': 4, '*': 5, '/': 5, '%': 5, atan2: 5, '^': POWER_STRENGTH },
};

export function groupByPrecedence(row: readonly RowItem[], checks: RowChecks): Expression {
  let next = 0;

  function primary(depth: number): Expression {
    if (depth > checks.maxDepth) throw checks.tooDeep();
    const item = row[next++];
    if (item?.kind === 'sign') {
      const operand = climb(SIGN_STRENGTH, depth + 1);
      // A signed number is one, which matters to those who look for numbers.
      if (operand.kind === 'number') {
        return { ...operand, value: item.operator === '-' ? -operand.value : operand.value };
      }
      const node: UnaryNode = { kind: 'unary', operator: item.operator, operand };
      checks.unary(node, item.at);
      return node;
    }
    if (item?.kind !== 'operand') throw new Error('the row has no operand where one must be');
    let { node } = item;
    for (let after = row[next]; after?.kind === 'postfix'; after = row[++next]) {
      node = after.apply(node);
    }
    return node;
  }

  function climb(weakest: number, depth: number): Expression {
    let left = primary(depth);
    for (let item = binaryAt(next); item !== undefined; item = binaryAt(next)) {
      const strength = STRENGTHS[item.operator];
      if (strength < weakest) break;
      next += 1;
      const isFromRight = strength === POWER_STRENGTH;
      const right = climb(isFromRight ? strength : strength + 1, depth + 1);
      const { operator, isBool, matching, at } = item;
      const node: BinaryNode = { kind: 'binary', operator, left, right, isBool, matching };
      checks.binary(node, at);
      left = node;
    }
    return left;
  }

  function binaryAt(index: number): BinaryItem | undefined {
    const item = row[index];
    return item?.kind === 'binary' ? item : undefined;
  }

  return climb(1, 0);
}
