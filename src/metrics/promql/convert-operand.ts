/** What a query is about: selectors, numbers, calls, aggregations, and what is in parentheses. */
import type { SyntaxNode } from '@lezer/common';
import { compilePattern } from '#metrics/history/label-pattern.ts';
import { METRIC_NAME } from '#metrics/labels.ts';
import type { LabelMatcher, MatchOperator } from '#metrics/metric-reader.ts';
import { NO_SHIFT, childrenOf, textOf, toGroupingLabels, unsupported } from './convert-operator.ts';
import { FUNCTIONS } from './function-table.ts';
import { parseNumber, parseString } from './literals.ts';
import { parseError } from './query-error.ts';
import { AGGREGATIONS, type AggregateNode, type Expression } from './syntax-tree.ts';
import { checkAggregate, checkCall, parameterTypeOf } from './type-checks.ts';

type Convert = (node: SyntaxNode) => Expression;

export function convertOperand(text: string, node: SyntaxNode, inner: Convert): Expression {
  switch (node.name) {
    case 'NumberDurationLiteral':
      return { kind: 'number', value: toNumber(text, node) };
    case 'StringLiteral':
      return { kind: 'string', text: toText(text, node) };
    case 'VectorSelector':
      return { kind: 'selector', matchers: toMatchers(text, node), shift: NO_SHIFT };
    case 'ParenExpr': {
      const [child] = childrenOf(node);
      if (child !== undefined) return { kind: 'paren', inner: inner(child) };
      break;
    }
    case 'FunctionCall':
      return toCall(text, node, inner);
    case 'AggregateExpr':
      return toAggregate(text, node, inner);
    case 'SmoothedExpr':
    case 'AnchoredExpr': {
      const word = node.lastChild ?? node;
      throw unsupported(text, word, textOf(text, word));
    }
    default:
      break;
  }
  throw unsupported(text, node, textOf(text, node).slice(0, 40));
}

function toNumber(text: string, node: SyntaxNode): number {
  const word = textOf(text, node).replace(/^[+-]\s*/, '');
  const value = parseNumber(word);
  if (value !== undefined) return value;
  throw parseError(text, node.from, `${word} is no number`);
}

function toText(text: string, node: SyntaxNode): string {
  const plain = parseString(textOf(text, node));
  if (plain !== undefined) return plain;
  throw parseError(text, node.from, 'the string has no end, or an escape that is none');
}

function toMatchers(text: string, node: SyntaxNode): LabelMatcher[] {
  const matchers: LabelMatcher[] = [];
  const [first, second] = childrenOf(node);
  const isNamed = first?.name === 'Identifier';
  if (isNamed) {
    matchers.push({ label: METRIC_NAME, operator: '=', value: textOf(text, first) });
  }
  const list = isNamed ? second : first;
  for (const child of list === undefined ? [] : childrenOf(list)) {
    const matcher = toMatcher(text, child);
    if (isNamed && matcher.label === METRIC_NAME) {
      throw parseError(text, child.from, 'the metric is named twice');
    }
    matchers.push(matcher);
  }
  if (matchers.some((matcher) => !matchesEmpty(matcher))) return matchers;
  throw parseError(
    text,
    node.from,
    'a selector needs a metric or a matcher that does not match the empty text',
  );
}

function toMatcher(text: string, node: SyntaxNode): LabelMatcher {
  const [label, operator, value] = childrenOf(node);
  if (node.name !== 'UnquotedLabelMatcher' || operator === undefined || value === undefined) {
    throw unsupported(text, node, 'a name in quotes');
  }
  const matcher: LabelMatcher = {
    label: label === undefined ? '' : textOf(text, label),
    operator: textOf(text, operator) as MatchOperator,
    value: toText(text, value),
  };
  try {
    matchesEmpty(matcher);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : '';
    throw parseError(text, value.from, `not a regular expression: ${why}`);
  }
  return matcher;
}

function matchesEmpty({ operator, value }: LabelMatcher): boolean {
  switch (operator) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    case '=~':
      return compilePattern(value)('');
    case '!~':
      return !compilePattern(value)('');
  }
}

function toCall(text: string, node: SyntaxNode, inner: Convert): Expression {
  const [identifier, body] = childrenOf(node);
  if (identifier === undefined || body === undefined) throw unsupported(text, node, 'this call');
  const name = textOf(text, identifier);
  const signature = FUNCTIONS.get(name);
  if (signature === undefined) throw unsupported(text, identifier, `the function ${name}()`);
  const args = childrenOf(body).map(inner);
  const problem = checkCall(name, signature, args);
  if (problem !== undefined) throw parseError(text, node.from, problem);
  return { kind: 'call', name, args };
}

function toAggregate(text: string, node: SyntaxNode, inner: Convert): Expression {
  const children = childrenOf(node);
  const [operation] = children;
  const body = children.find((child) => child.name === 'FunctionCallBody');
  const modifier = children.find((child) => child.name === 'AggregateModifier');
  const word = operation === undefined ? '' : textOf(text, operation).toLowerCase();
  const operator = AGGREGATIONS.find((known) => known === word);
  if (operator === undefined || body === undefined) {
    throw unsupported(text, node, `the aggregation ${word}`);
  }
  const args = childrenOf(body).map(inner);
  const wanted = parameterTypeOf(operator) === undefined ? 1 : 2;
  const of = args.at(-1);
  if (of === undefined || args.length !== wanted) {
    throw parseError(text, node.from, `${word} takes ${wanted} arguments, not ${args.length}`);
  }
  const [by, labels] = modifier === undefined ? [] : childrenOf(modifier);
  const made: AggregateNode = {
    kind: 'aggregate',
    operator,
    parameter: wanted === 2 ? args[0] : undefined,
    inner: of,
    isWithout: by?.name === 'Without',
    labels: labels === undefined ? [] : toGroupingLabels(text, labels),
  };
  const problem = checkAggregate(made);
  if (problem !== undefined) throw parseError(text, node.from, problem);
  return made;
}
