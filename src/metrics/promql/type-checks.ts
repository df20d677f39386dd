/** Which kinds of value go where: what can be told from the query alone. */
import { isLabelName } from '#metrics/labels.ts';
import type { FunctionSignature } from './function-table.ts';
import { FUNCTIONS } from './function-table.ts';
import {
  isComparison,
  isSetOperator,
  type Aggregation,
  type AggregateNode,
  type BinaryNode,
  type Expression,
  type UnaryNode,
  type ValueType,
} from './syntax-tree.ts';

export const TYPE_NAMES: Record<ValueType, string> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

export function typeOf(node: Expression): ValueType {
  switch (node.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
    case 'aggregate':
      return 'vector';
    case 'matrix':
    case 'subquery':
      return 'matrix';
    case 'paren':
      return typeOf(node.inner);
    case 'unary':
      return typeOf(node.operand);
    case 'binary':
      return binaryType(node);
    case 'call':
      return FUNCTIONS.get(node.name)?.returns ?? 'vector';
  }
}

/** A chain of a thousand sums is as deep as it is long, so the left is walked and not called. */
function binaryType(node: BinaryNode): ValueType {
  let at: Expression = node;
  while (at.kind === 'binary') {
    if (typeOf(at.right) === 'vector') return 'vector';
    at = at.left;
  }
  return typeOf(at) === 'vector' ? 'vector' : 'scalar';
}

/** Each answers what is wrong, or undefined. */
export function checkUnary({ operand }: UnaryNode): string | undefined {
  const type = typeOf(operand);
  if (type === 'scalar' || type === 'vector') return undefined;
  return `a sign goes before a scalar or an instant vector, not a ${TYPE_NAMES[type]}`;
}

export function checkBinary(node: BinaryNode): string | undefined {
  const { operator, isBool, matching } = node;
  const left = typeOf(node.left);
  const right = typeOf(node.right);
  for (const type of [left, right]) {
    if (type === 'scalar' || type === 'vector') continue;
    return `"${operator}" goes between scalars and instant vectors, not a ${TYPE_NAMES[type]}`;
  }
  const isScalars = left === 'scalar' && right === 'scalar';
  if (isBool && !isComparison(operator)) return 'bool goes with comparisons only';
  if (isComparison(operator) && !isBool && isScalars) {
    return 'comparisons between scalars must use bool';
  }
  const isVectors = left === 'vector' && right === 'vector';
  if (isSetOperator(operator) && !isVectors) {
    return `"${operator}" goes between two instant vectors only`;
  }
  if (matching === undefined) return undefined;
  if (!isVectors && matching.labels.length > 0) {
    return 'on and ignoring go between two instant vectors only';
  }
  return checkMatching(node);
}

function checkMatching({ operator, matching }: BinaryNode): string | undefined {
  if (matching === undefined) return undefined;
  if (isSetOperator(operator) && matching.many !== 'none') {
    return `"${operator}" cannot group: group_left and group_right do not go with it`;
  }
  const twice = matching.isOn
    ? matching.labels.find((label) => matching.include.includes(label))
    : undefined;
  return twice === undefined ? undefined : `label ${twice} must not be both in on and in the group`;
}

const PARAMETER_TYPES: Partial<Record<Aggregation, ValueType>> = {
  topk: 'scalar',
  bottomk: 'scalar',
  quantile: 'scalar',
  count_values: 'string',
};

export function parameterTypeOf(operator: Aggregation): ValueType | undefined {
  return PARAMETER_TYPES[operator];
}

export function checkAggregate({ operator, parameter, inner }: AggregateNode): string | undefined {
  const wanted = parameterTypeOf(operator);
  if (wanted !== undefined && parameter !== undefined && typeOf(parameter) !== wanted) {
    const is = TYPE_NAMES[typeOf(parameter)];
    return `${operator} wants a ${TYPE_NAMES[wanted]} first, not a ${is}`;
  }
  if (typeOf(inner) === 'vector') return undefined;
  return `${operator} wants an instant vector, not a ${TYPE_NAMES[typeOf(inner)]}`;
}

export function checkCall(
  name: string,
  { parameters, optional, isVariadic }: FunctionSignature,
  args: readonly Expression[],
): string | undefined {
  const least = parameters.length - optional;
  if (args.length < least || (!isVariadic && args.length > parameters.length)) {
    const most = isVariadic ? ' or more' : optional === 0 ? '' : ` to ${parameters.length}`;
    return `${name}() takes ${least}${most} arguments, not ${args.length}`;
  }
  for (const [at, arg] of args.entries()) {
    const wanted = parameters[Math.min(at, parameters.length - 1)];
    const type = typeOf(arg);
    if (wanted === undefined || type === wanted) continue;
    return `${name}() wants ${TYPE_NAMES[wanted]} as argument ${at + 1}, not ${TYPE_NAMES[type]}`;
  }
  return undefined;
}

export function checkGroupingLabel(label: string): string | undefined {
  return isLabelName(label) ? undefined : `${JSON.stringify(label)} is no label name`;
}
