/** What stands between operands and behind them: operators with their modifiers, `[5m]`, `@`… */
import type { SyntaxNode } from '@lezer/common';
import type { DroverError } from '#kernel/errors.ts';
import { parseDurationMs, parseNumber } from './literals.ts';
import type { Postfix, RowItem } from './operator-precedence.ts';
import { parseError } from './query-error.ts';
import {
  ARITHMETIC_OPERATORS,
  COMPARISON_OPERATORS,
  SET_OPERATORS,
  type BinaryOperator,
  type Expression,
  type PinnedInstant,
  type TimeShift,
  type VectorMatching,
} from './syntax-tree.ts';
import { TYPE_NAMES, checkGroupingLabel, typeOf } from './type-checks.ts';

const OPERATORS: readonly BinaryOperator[] = [
  ...ARITHMETIC_OPERATORS,
  ...COMPARISON_OPERATORS,
  ...SET_OPERATORS,
];

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== 'LineComment') children.push(child);
  }
  return children;
}

export function textOf(text: string, node: SyntaxNode): string {
  return text.slice(node.from, node.to);
}

export function unsupported(text: string, node: SyntaxNode, what: string): DroverError {
  return parseError(text, node.from, `${what} is not supported`);
}

export function toBinaryItem(text: string, node: SyntaxNode): RowItem {
  const [, sign, ...modifiers] = childrenOf(node).slice(0, -1);
  if (sign === undefined) throw unsupported(text, node, 'this operator');
  const word = textOf(text, sign).toLowerCase();
  const operator = OPERATORS.find((known) => known === word);
  if (operator === undefined) throw unsupported(text, sign, `the operator ${word}`);
  let isBool = false;
  let matching: VectorMatching | undefined;
  for (const modifier of modifiers) {
    if (modifier.name === 'BoolModifier') isBool = true;
    else if (modifier.name === 'MatchingModifierClause') matching = toMatching(text, modifier);
    else throw unsupported(text, modifier, textOf(text, modifier).split('(', 1)[0] ?? '');
  }
  return { kind: 'binary', operator, isBool, matching, at: sign.from };
}

function toMatching(text: string, clause: SyntaxNode): VectorMatching {
  const [kind, labels, group, include] = childrenOf(clause);
  const many =
    group?.name === 'GroupLeft' ? 'left' : group?.name === 'GroupRight' ? 'right' : 'none';
  return {
    isOn: kind?.name === 'On',
    labels: labels === undefined ? [] : toGroupingLabels(text, labels),
    many,
    include: include === undefined ? [] : toGroupingLabels(text, include),
  };
}

export function toGroupingLabels(text: string, node: SyntaxNode): string[] {
  return childrenOf(node).map((child) => {
    if (child.name !== 'LabelName') throw unsupported(text, child, 'a label name in quotes');
    const label = textOf(text, child);
    const problem = checkGroupingLabel(label);
    if (problem !== undefined) throw parseError(text, child.from, problem);
    return label;
  });
}

/** `node` is the construct with what it stands behind as its first child. */
export function convertPostfix(text: string, node: SyntaxNode): Postfix {
  const [, second, third] = childrenOf(node);
  if (node.name === 'MatrixSelector') {
    const rangeMs = toDurationMs(text, second ?? node);
    return (target) => toMatrix(text, node, { target, rangeMs });
  }
  if (node.name === 'SubqueryExpr') {
    const rangeMs = toDurationMs(text, second ?? node);
    const stepMs = third === undefined ? undefined : toDurationMs(text, third);
    return (inner) => {
      if (typeOf(inner) !== 'vector') {
        const type = TYPE_NAMES[typeOf(inner)];
        throw parseError(
          text,
          node.from,
          `a subquery goes behind an instant vector, not a ${type}`,
        );
      }
      return { kind: 'subquery', inner, rangeMs, stepMs, shift: NO_SHIFT };
    };
  }
  if (node.name === 'OffsetExpr') {
    const offsetMs = toOffsetMs(text, third ?? node);
    return (target) =>
      shiftBy(text, node, target, (shift) => {
        if (shift.offsetMs !== 0) throw parseError(text, node.from, 'offset is set twice');
        return { ...shift, offsetMs };
      });
  }
  const pin = toPin(text, third ?? node);
  return (target) =>
    shiftBy(text, node, target, (shift) => {
      if (shift.pin !== undefined) throw parseError(text, node.from, '@ is set twice');
      return { ...shift, pin };
    });
}

export const NO_SHIFT: TimeShift = { offsetMs: 0, pin: undefined };

function toMatrix(
  text: string,
  node: SyntaxNode,
  { target, rangeMs }: { readonly target: Expression; readonly rangeMs: number },
): Expression {
  if (target.kind !== 'selector') {
    throw parseError(
      text,
      node.from,
      'a range goes behind a selector; others need a step: [5m:1m]',
    );
  }
  if (target.shift !== NO_SHIFT) {
    throw parseError(text, node.from, 'offset and @ go behind the range, not before it');
  }
  return { kind: 'matrix', selector: target, rangeMs };
}

function shiftBy(
  text: string,
  node: SyntaxNode,
  target: Expression,
  change: (shift: TimeShift) => TimeShift,
): Expression {
  switch (target.kind) {
    case 'selector':
    case 'subquery':
      return { ...target, shift: change(target.shift) };
    case 'matrix': {
      const { selector } = target;
      return { ...target, selector: { ...selector, shift: change(selector.shift) } };
    }
    default: {
      const word = node.name === 'OffsetExpr' ? 'offset' : '@';
      throw parseError(text, node.from, `${word} goes behind a selector or a subquery only`);
    }
  }
}

function toDurationMs(text: string, node: SyntaxNode): number {
  const word = textOf(text, node);
  const ms = parseDurationMs(word);
  if (ms !== undefined && ms > 0) return ms;
  throw parseError(text, node.from, `${word} is no duration above zero, such as 5m or 1h30m`);
}

function toOffsetMs(text: string, node: SyntaxNode): number {
  const word = textOf(text, node).replaceAll(/\s/g, '');
  const ms = parseDurationMs(word.replace(/^[+-]/, ''));
  if (ms !== undefined && ms > 0) return word.startsWith('-') ? -ms : ms;
  throw parseError(text, node.from, `${word} is no duration above zero, such as 5m or -1h30m`);
}

/** What a Date can be, which is more than enough. */
const MAX_INSTANT_MS = 8.64e15;

function toPin(text: string, node: SyntaxNode): PinnedInstant {
  if (node.name === 'AtModifierPreprocessors') {
    return { kind: /^start/i.test(textOf(text, node)) ? 'start' : 'end' };
  }
  const word = textOf(text, node).replaceAll(/\s/g, '');
  const seconds = parseNumber(word.replace(/^[+-]/, ''));
  const atMs = Math.round((seconds ?? NaN) * 1000) * (word.startsWith('-') ? -1 : 1);
  if (Math.abs(atMs) <= MAX_INSTANT_MS) return { kind: 'instant', atMs };
  throw parseError(text, node.from, `${word} is no timestamp in seconds`);
}
