/**
 * Words for the first place at which the grammar had to guess. The grammar is made for editors and
 * goes on past any mistake, leaving a node where something is missing or too much.
 */
import type { SyntaxNode, Tree } from '@lezer/common';
import type { DroverError } from '#kernel/errors.ts';
import { parseError } from './query-error.ts';

const AN_EXPRESSION = 'an expression (a metric, a number, a function, an opening parenthesis)';

/** What each construct wants where it went wrong. */
const EXPECTATIONS: Readonly<Record<string, string>> = {
  LabelMatchers: 'a label matcher such as job="x", a comma or a closing brace',
  UnquotedLabelMatcher: 'one of = != =~ !~ and a string in quotes',
  GroupingLabels: 'label names between parentheses, separated by commas',
  AggregateExpr: 'an opening parenthesis, or by or without and labels',
  FunctionCallBody: 'an expression, a comma or a closing parenthesis',
  ParenExpr: 'an operator or a closing parenthesis',
  MatrixSelector: 'a duration such as 5m and a closing bracket',
  SubqueryExpr: 'a duration such as 1m, or nothing, and a closing bracket',
  OffsetExpr: 'a duration such as 5m after offset',
  StepInvariantExpr: 'a timestamp in seconds, start() or end() after @',
  MatchingModifierClause: 'label names between parentheses',
  VectorSelector: 'an operator or the end of the query',
  BinaryExpr: AN_EXPRESSION,
  UnaryExpr: AN_EXPRESSION,
};

/** Undefined when the text is all of the grammar. */
export function findSyntaxComplaint(text: string, tree: Tree): DroverError | undefined {
  let found: SyntaxNode | undefined;
  tree.iterate({
    enter: (node) => {
      if (found === undefined && node.type.isError) found = node.node;
      return found === undefined;
    },
  });
  return found === undefined ? undefined : complaint(text, found);
}

function complaint(text: string, error: SyntaxNode): DroverError {
  const at = skipBlank(text, error.from);
  const rest = text.slice(at);
  const word = /^(?:[\w:.]+|[^\w\s])/.exec(rest)?.[0];
  const unknown = unknownFunction(text, error);
  if (unknown !== undefined) {
    return parseError(text, unknown.at, `unknown function ${unknown.name}()`);
  }
  const parent = error.parent?.name ?? '';
  const isFirst = error.prevSibling === null;
  const fallback = isFirst ? AN_EXPRESSION : 'an operator or the end of the query';
  const expected = EXPECTATIONS[parent] ?? fallback;
  const got = word === undefined ? 'the end of the query' : JSON.stringify(word.slice(0, 40));
  return parseError(text, at, `unexpected ${got}, expected ${expected}`);
}

function skipBlank(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}

/** The grammar knows functions by name; any other before a parenthesis it takes for a metric. */
function unknownFunction(
  text: string,
  error: SyntaxNode,
): { readonly name: string; readonly at: number } | undefined {
  const identifier = error.parent?.name === 'VectorSelector' ? error.parent.firstChild : null;
  if (identifier?.name !== 'Identifier') return undefined;
  if (text[skipBlank(text, identifier.to)] !== '(') return undefined;
  return { name: text.slice(identifier.from, identifier.to), at: identifier.from };
}
