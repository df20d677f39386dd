/**
 * The regular expressions of label_replace, which has to know what each group matched; that only
 * the engine of the language tells, and it goes back and forth, for ever if it is led to. So:
 *
 * - what does not match is found out by the matcher that never goes back;
 * - a repetition of something that repeats or branches is refused;
 * - of the rest, the most steps that a text of its length can take are reckoned beforehand.
 */
import { compilePattern } from '#metrics/history/label-pattern.ts';

/** Some tenths of a second, at the very worst. */
const MOST_STEPS = 1e8;

export interface ReplacePattern {
  /** Of the whole text. Throws when that could take too long. */
  exec(text: string): RegExpExecArray | null;
}

/** Throws an Error that says what is wrong. */
export function compileReplacePattern(source: string): ReplacePattern {
  const matches = compilePattern(source);
  const { flags, rest } = takeFlags(source);
  const text = rest.replaceAll('(?P<', '(?<').replaceAll(NEEDLESS_ESCAPE, toHexEscape);
  const { branches, repetitions } = reckon(text);
  const expression = new RegExp(`^(?:${text})$`, flags);
  return {
    exec(value) {
      if (!matches(value)) return null;
      if (branches * value.length ** repetitions > MOST_STEPS) {
        throw new Error(`it can take too long on a label of ${value.length} characters`);
      }
      return expression.exec(value);
    },
  };
}

const NEEDLESS_ESCAPE = /\\[^\w\s^$.*+?()[\]{}|/\\]/gu;

/** RE2 lets any punctuation be escaped, this engine only what has a meaning. */
function toHexEscape(escaped: string): string {
  return `\\u{${escaped.codePointAt(1)?.toString(16) ?? '0'}}`;
}

/** `(?i)` at the beginning holds for the whole, as flags do. */
function takeFlags(source: string): { readonly flags: string; readonly rest: string } {
  const found = /^\(\?([is]+)\)/.exec(source);
  const flags = [...new Set(found?.[1] ?? '')].join('');
  return { flags: `u${flags}`, rest: source.slice(found?.[0].length ?? 0) };
}

interface Reckoning {
  /** Of all choices between alternatives, and between there and not there, the product. */
  readonly branches: number;
  readonly repetitions: number;
}

/** `(a+)*` and `(a|a)*` can take exponential time and are refused. */
function reckon(source: string): Reckoning {
  // Escapes and classes stand for one character each; what opens a group is no repetition.
  const text = source
    .replaceAll(/\\u\{[^}]*\}|\\./gsu, 'x')
    .replaceAll(/\[\^?\]?[^\]]*\]/g, 'x')
    .replaceAll(/\(\?(?:<\w+>|[a-z]*:)/g, '(');
  const open = [{ isRisky: false, alternatives: 1 }];
  let branches = 1;
  let repetitions = 0;
  for (let at = 0; at < text.length; at += 1) {
    const group = open.at(-1);
    if (group === undefined) break;
    const char = text[at];
    if (char === '(') open.push({ isRisky: false, alternatives: 1 });
    else if (char === '|') {
      group.isRisky = true;
      group.alternatives += 1;
    } else if (char === '?') {
      group.isRisky = true;
      branches *= 2;
    } else if (isRepetition(text, at)) {
      group.isRisky = true;
      repetitions += 1;
    } else if (char === ')' && open.length > 1) {
      open.pop();
      branches *= group.alternatives;
      if (!group.isRisky) continue;
      if (isRepetition(text, at + 1)) {
        throw new Error('a repeated group must not itself hold repetitions or alternatives');
      }
      for (const outer of open) outer.isRisky = true;
    }
  }
  return { branches: branches * (open[0]?.alternatives ?? 1), repetitions };
}

function isRepetition(text: string, at: number): boolean {
  return /^(?:[*+]|\{\d+,?\d*\})/.test(text.slice(at, at + 12));
}
