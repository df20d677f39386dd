/**
 * From the text of a query to its tree. The grammar costs some megabytes of tables and code, so it
 * is loaded with the first query: an agent that is never asked one stays small.
 */
import type { SyntaxNode } from '@lezer/common';
import type { DroverError } from '#kernel/errors.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { convertOperand } from './convert-operand.ts';
import { NO_SHIFT, convertPostfix, toBinaryItem } from './convert-operator.ts';
import { groupByPrecedence, type RowItem } from './operator-precedence.ts';
import { limitError, parseError } from './query-error.ts';
import { findSyntaxComplaint } from './syntax-complaint.ts';
import type { Expression, ValueType } from './syntax-tree.ts';
import { checkBinary, checkUnary, typeOf } from './type-checks.ts';

/** Parsed and checked: can be evaluated any number of times. */
export interface PreparedQuery {
  readonly text: string;
  readonly type: ValueType;
  readonly expression: Expression;
}

const MAX_QUERY_LENGTH = 16_384;
const MAX_QUERY_DEPTH = 64;
/**
 * Of a whole query. A chain of them is evaluated by calls within calls, and the grammar itself
 * gives up, as if something were misspelt, somewhere behind the four hundredth.
 */
const MAX_QUERY_OPERATORS = 250;

const POSTFIXES = ['OffsetExpr', 'StepInvariantExpr', 'MatrixSelector', 'SubqueryExpr'];

/** Throws `invalid_argument` that names the place, or `resource_exhausted` that names the limit. */
export async function parsePromql(text: string): Promise<PreparedQuery> {
  if (text.length > MAX_QUERY_LENGTH) {
    throw limitError(`a query has at most ${MAX_QUERY_LENGTH} characters, not ${text.length}`);
  }
  checkOutline(text);
  const { parser } = await import('@prometheus-io/lezer-promql');
  const tree = parser.parse(text);
  const complaint = findSyntaxComplaint(text, tree);
  if (complaint !== undefined) throw complaint;
  const top = firstExpression(tree.topNode);
  if (top === undefined) throw parseError(text, 0, 'no expression in the query');
  const expression = new QueryConverter(text).convert(top, 0);
  return { text, type: typeOf(expression), expression };
}

/** What selects series and nothing else, such as `up{job="x"}`: the matchers of it. */
export async function parseSeriesSelector(text: string): Promise<readonly LabelMatcher[]> {
  const { expression } = await parsePromql(text);
  if (expression.kind === 'selector' && expression.shift === NO_SHIFT) return expression.matchers;
  throw parseError(text, 0, 'a series selector is expected, such as up{job="x"}');
}

function tooDeepError(): DroverError {
  return limitError(`a query nests at most ${MAX_QUERY_DEPTH} deep`);
}

const STRING_OR_COMMENT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*/gs;
const OPERATOR = /==|!=|<=|>=|[-+*/%^<>]|\b(?:and|or|unless|atan2)\b/gi;

/** What costs the grammar the most can be told without it. */
function checkOutline(text: string): void {
  const outline = text.replaceAll(STRING_OR_COMMENT, '').replaceAll(/\{[^}]*\}/g, '');
  if ([...outline.matchAll(OPERATOR)].length > MAX_QUERY_OPERATORS) throw tooManyOperatorsError();
  let depth = 0;
  for (const [bracket] of outline.matchAll(/[()]/g)) {
    depth = bracket === '(' ? depth + 1 : Math.max(0, depth - 1);
    if (depth > MAX_QUERY_DEPTH) throw tooDeepError();
  }
}

function tooManyOperatorsError(): DroverError {
  return limitError(`a query has at most ${MAX_QUERY_OPERATORS} operators`);
}

function firstExpression(parent: SyntaxNode): SyntaxNode | undefined {
  let child = parent.firstChild;
  while (child !== null && child.name === 'LineComment') child = child.nextSibling;
  return child ?? undefined;
}

class QueryConverter {
  readonly text: string;
  #operators = 0;

  constructor(text: string) {
    this.text = text;
  }

  convert(node: SyntaxNode, depth: number): Expression {
    if (depth > MAX_QUERY_DEPTH) throw tooDeepError();
    return groupByPrecedence(this.#flatten(node, depth), {
      unary: (made, at) => this.#expect(at, checkUnary(made)),
      binary: (made, at) => this.#expect(at, checkBinary(made)),
      maxDepth: MAX_QUERY_DEPTH,
      tooDeep: tooDeepError,
    });
  }

  /** Without calling itself: how deep the grammar nests this is up to whoever wrote the query. */
  #flatten(top: SyntaxNode, depth: number): RowItem[] {
    const row: RowItem[] = [];
    const pending: (SyntaxNode | { readonly item: RowItem })[] = [top];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if ('item' in next) row.push(next.item);
      else this.#unfold(next, depth, { row, pending });
    }
    return row;
  }

  #unfold(
    node: SyntaxNode,
    depth: number,
    to: { row: RowItem[]; pending: (SyntaxNode | { readonly item: RowItem })[] },
  ): void {
    const { text } = this;
    const { firstChild, lastChild } = node;
    if (node.name === 'BinaryExpr' && firstChild !== null && lastChild !== null) {
      this.#countOperator();
      to.pending.push(lastChild, { item: toBinaryItem(text, node) }, firstChild);
    } else if (node.name === 'UnaryExpr' && firstChild !== null && lastChild !== null) {
      this.#countOperator();
      to.row.push({ kind: 'sign', operator: signAt(text, firstChild.from), at: firstChild.from });
      to.pending.push(lastChild);
    } else if (POSTFIXES.includes(node.name) && firstChild !== null) {
      this.#countOperator();
      const item: RowItem = { kind: 'postfix', apply: convertPostfix(text, node) };
      to.pending.push({ item }, firstChild);
    } else if (node.name === 'NumberDurationLiteral' && /[+-]/.test(text[node.from] ?? '')) {
      // A sign the grammar counts to the number, although `^` binds tighter.
      to.row.push({ kind: 'sign', operator: signAt(text, node.from), at: node.from });
      to.row.push(this.#operand(node, depth));
    } else {
      to.row.push(this.#operand(node, depth));
    }
  }

  #operand(node: SyntaxNode, depth: number): RowItem {
    const inner = (child: SyntaxNode) => this.convert(child, depth + 1);
    return { kind: 'operand', node: convertOperand(this.text, node, inner) };
  }

  #countOperator(): void {
    this.#operators += 1;
    if (this.#operators > MAX_QUERY_OPERATORS) throw tooManyOperatorsError();
  }

  #expect(at: number, problem: string | undefined): void {
    if (problem !== undefined) throw parseError(this.text, at, problem);
  }
}

function signAt(text: string, at: number): '+' | '-' {
  return text[at] === '-' ? '-' : '+';
}
