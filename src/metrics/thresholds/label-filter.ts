/**
 * Matchers of labels, as text and as a function. Customers write them, and expressions of theirs
 * run in the loop that measures: so only those are taken whose time is bounded whatever the label.
 */
import { isLabelName, type Labels } from '#metrics/labels.ts';
import type { LabelMatcher, MatchOperator } from '#metrics/metric-reader.ts';

const OPERATORS: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];
const FORM = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*$/s;
const MAX_VALUE_CHARS = 256;
const MAX_REPETITIONS = 3;
const MAX_OPTIONAL = 4;
/** No pattern matches a label that is longer. */
const MAX_MATCHED_CHARS = 256;
const MAX_GROUPS = 8;

/** `mountpoint=~"/data.*"`; undefined when it has another form. */
export function parseMatcher(text: string): LabelMatcher | undefined {
  const [, label, given, quoted] = FORM.exec(text) ?? [];
  const operator = OPERATORS.find((known) => known === given);
  if (label === undefined || operator === undefined || quoted === undefined) return undefined;
  const value = quoted.replaceAll(/\\(.)/gs, (_, sign: string) => (sign === 'n' ? '\n' : sign));
  return { label, operator, value };
}

export function matcherToText({ label, operator, value }: LabelMatcher): string {
  const escaped = value.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n');
  return `${label}${operator}"${escaped}"`;
}

/** What is wrong with a matcher; undefined when nothing is. */
export function matcherProblem({ label, operator, value }: LabelMatcher): string | undefined {
  if (!isLabelName(label)) return `${JSON.stringify(label)} is no name of a label`;
  if (value.length > MAX_VALUE_CHARS) return `must have values of at most ${MAX_VALUE_CHARS} signs`;
  return operator === '=~' || operator === '!~' ? patternProblem(value) : undefined;
}

/** Matchers that have no problem. All of them must match; a missing label is an empty one. */
export function compileMatchers(matchers: readonly LabelMatcher[]): (labels: Labels) => boolean {
  const tests = matchers.map(compileMatcher);
  return (labels) => tests.every((test) => test(labels));
}

function compileMatcher({ label, operator, value }: LabelMatcher): (labels: Labels) => boolean {
  switch (operator) {
    case '=':
      return (labels) => (labels[label] ?? '') === value;
    case '!=':
      return (labels) => (labels[label] ?? '') !== value;
    case '=~':
    case '!~': {
      const pattern = toPattern(value);
      const isWanted = operator === '=~';
      return ({ [label]: text = '' }) =>
        (text.length <= MAX_MATCHED_CHARS && pattern.test(text)) === isWanted;
    }
  }
}

function toPattern(value: string): RegExp {
  return new RegExp(`^(?:${value})$`, 'su');
}

/**
 * A pattern that can try only so many ways: nothing is repeated that could itself match in several
 * ways, and there are few repetitions and few groups.
 */
function patternProblem(value: string): string | undefined {
  const bare = value.replaceAll(/\\./gs, '_').replaceAll(/\[[^\]]*\]/g, '_');
  if (/\\[1-9k]/.test(value)) return 'must not refer back to a group';
  if (/\(\?(?!:)/.test(bare)) return 'must not look around or name groups; (?:…) is all right';
  if (/\)[*+{]/.test(bare))
    return 'must not repeat a group; repeat single signs, such as .* or [a-z]+';
  if ((bare.match(/[*+{]/g) ?? []).length > MAX_REPETITIONS) {
    return `must not have more than ${MAX_REPETITIONS} of * + {n}`;
  }
  if ((bare.match(/(?<!\()\?/g) ?? []).length > MAX_OPTIONAL) {
    return `must not have more than ${MAX_OPTIONAL} of ?`;
  }
  if ((bare.match(/\(/g) ?? []).length > MAX_GROUPS)
    return `must not have over ${MAX_GROUPS} groups`;
  try {
    toPattern(value);
    return undefined;
  } catch {
    // Why exactly is in the words of the engine and helps nobody.
    return `${JSON.stringify(value)} is no regular expression`;
  }
}
