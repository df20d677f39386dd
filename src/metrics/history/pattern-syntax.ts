/**
 * Reads a regular expression in the syntax of RE2, the one Prometheus has, into a tree. What RE2
 * has and this does not (word boundaries, Unicode classes) is refused by name.
 */
import { DroverError } from '#kernel/errors.ts';

/** Code points from the first to the second of each pair. */
export type Ranges = readonly (readonly [number, number])[];

export type PatternNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'chars'; readonly ranges: Ranges }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly parts: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly part: PatternNode;
      readonly least: number;
      readonly most: number;
    };

const MOST_LENGTH = 1000;
const MOST_DEPTH = 100;
const MOST_REPETITIONS = 1000;
const LAST_POINT = 0x10ffff;

export const ANY: Ranges = [[0, LAST_POINT]];
const DIGIT: Ranges = [[48, 57]];
const UPPER: Ranges = [[65, 90]];
const LOWER: Ranges = [[97, 122]];
const WORD: Ranges = [...DIGIT, ...UPPER, [95, 95], ...LOWER];
const SPACE: Ranges = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const PUNCTUATION: Ranges = [
  [33, 47],
  [58, 64],
  [91, 96],
  [123, 126],
];
const CLASSES: Readonly<Record<string, Ranges>> = { d: DIGIT, w: WORD, s: SPACE };
const NAMED_CLASSES: Readonly<Record<string, Ranges>> = {
  alnum: [...DIGIT, ...UPPER, ...LOWER],
  alpha: [...UPPER, ...LOWER],
  digit: DIGIT,
  lower: LOWER,
  punct: PUNCTUATION,
  space: [[9, 13], ...SPACE],
  upper: UPPER,
  word: WORD,
  xdigit: [...DIGIT, [65, 70], [97, 102]],
};
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

export function parsePattern(text: string): PatternNode {
  if (text.length > MOST_LENGTH) {
    throw patternError(text, `it is longer than ${MOST_LENGTH} characters`);
  }
  return new PatternParser(text).parse();
}

export function patternError(text: string, what: string): DroverError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new DroverError('invalid_argument', `bad regular expression "${shown}": ${what}`, {
    reason: 'INVALID_PATTERN',
  });
}

class PatternParser {
  readonly #text: string;
  readonly #points: readonly string[];
  #at = 0;
  #depth = 0;
  #ignoresCase = false;

  constructor(text: string) {
    this.#text = text;
    this.#points = Array.from(text);
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#points.length) throw this.#error('a ) closes nothing');
    return node;
  }

  #error(what: string): DroverError {
    return patternError(this.#text, what);
  }

  #next(): string | undefined {
    return this.#points[this.#at];
  }

  #take(text: string): boolean {
    if (this.#next() !== text) return false;
    this.#at += 1;
    return true;
  }

  #takeText(text: string): boolean {
    if (this.#points.slice(this.#at, this.#at + text.length).join('') !== text) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): PatternNode {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw this.#error('it is nested too deeply');
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth -= 1;
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'choice', parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (;;) {
      const next = this.#next();
      if (next === undefined || next === '|' || next === ')') break;
      parts.push(this.#repeated(this.#atom()));
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'sequence', parts };
  }

  #repeated(part: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    // Whether as much or as little as possible is the same for a match of the whole.
    this.#take('?');
    if (this.#bounds() !== undefined) throw this.#error('a repetition is repeated');
    return { kind: 'repeat', part, ...bounds };
  }

  #bounds(): { readonly least: number; readonly most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    const rest = this.#points.slice(this.#at, this.#at + 12).join('');
    const found = /^\{(\d+)(,?)(\d*)\}/.exec(rest);
    if (found === null) return undefined;
    const [whole, first = '', comma = '', second = ''] = found;
    this.#at += whole.length;
    const least = Number(first);
    const most = comma === '' ? least : second === '' ? Infinity : Number(second);
    const largest = most === Infinity ? least : most;
    if (most < least || largest > MOST_REPETITIONS) throw this.#error(`${whole} is out of bounds`);
    return { least, most };
  }

  #atom(): PatternNode {
    const next = this.#next();
    this.#at += 1;
    switch (next) {
      case '(':
        return this.#group();
      case '[':
        return this.#chars(this.#set());
      case '.':
        return { kind: 'chars', ranges: ANY };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '*':
      case '+':
      case '?':
        throw this.#error(`there is nothing before ${next} to repeat`);
      case '\\':
        return this.#chars(this.#escape());
      default:
        return this.#chars(single(next ?? ''));
    }
  }

  #chars(ranges: Ranges): PatternNode {
    return { kind: 'chars', ranges: this.#ignoresCase ? inBothCases(ranges) : ranges };
  }

  #group(): PatternNode {
    const ignoredCase = this.#ignoresCase;
    if (this.#take('?') && !this.#groupStart()) return { kind: 'empty' };
    const node = this.#choice();
    if (!this.#take(')')) throw this.#error('a ( is not closed');
    this.#ignoresCase = ignoredCase;
    return node;
  }

  /** After `(?`. False when it was only flags for what follows. */
  #groupStart(): boolean {
    const rest = this.#points.slice(this.#at).join('');
    const name = /^(?:P?<\w+>)/.exec(rest)?.[0];
    if (name !== undefined) {
      this.#at += name.length;
      return true;
    }
    const [whole, on = '', off = '', end = ''] = /^([ismU]*)(-[ismU]+)?([:)])/.exec(rest) ?? [];
    if (whole === undefined) throw this.#error(`(?${rest.slice(0, 2)} is not supported`);
    this.#at += whole.length;
    if (on.includes('i')) this.#ignoresCase = true;
    if (off.includes('i')) this.#ignoresCase = false;
    return end === ':';
  }

  #set(): Ranges {
    const isNegated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    for (let isFirst = true; isFirst || this.#next() !== ']'; isFirst = false) {
      if (this.#next() === undefined) throw this.#error('a [ is not closed');
      ranges.push(...this.#setPart());
    }
    this.#at += 1;
    return isNegated ? complement(ranges) : ranges;
  }

  #setPart(): Ranges {
    if (this.#takeText('[:')) {
      const rest = this.#points.slice(this.#at).join('');
      const [whole = '', negation, name = ''] = /^(\^?)(\w+):\]/.exec(rest) ?? [];
      const named = NAMED_CLASSES[name];
      if (named === undefined) throw this.#error('an unknown class in [: :]');
      this.#at += whole.length;
      return negation === '^' ? complement(named) : named;
    }
    const low = this.#setChar();
    const [first] = low;
    const isRange = this.#next() === '-' && this.#points[this.#at + 1] !== ']';
    if (!isRange || low.length !== 1 || first === undefined || first[0] !== first[1]) return low;
    this.#at += 1;
    const [last] = this.#setChar();
    if (last === undefined || last[1] < first[0]) throw this.#error('a range goes backwards');
    return [[first[0], last[1]]];
  }

  #setChar(): Ranges {
    const next = this.#next();
    if (next === undefined) throw this.#error('a [ is not closed');
    this.#at += 1;
    return next === '\\' ? this.#escape() : single(next);
  }

  #escape(): Ranges {
    const next = this.#next();
    if (next === undefined) throw this.#error('it ends with a backslash');
    this.#at += 1;
    const lower = next.toLowerCase();
    const named = CLASSES[lower];
    if (named !== undefined) return next === lower ? named : complement(named);
    const control = CONTROLS[next];
    if (control !== undefined) return [[control, control]];
    if (next === 'x') return this.#hexadecimal();
    if (/\w/.test(next)) throw this.#error(`\\${next} is not supported`);
    return single(next);
  }

  #hexadecimal(): Ranges {
    const rest = this.#points.slice(this.#at, this.#at + 10).join('');
    const [whole = '', braced, plain] =
      /^(?:\{([\da-fA-F]{1,6})\}|([\da-fA-F]{2}))/.exec(rest) ?? [];
    const point = Number.parseInt(braced ?? plain ?? '', 16);
    if (!(point <= LAST_POINT)) throw this.#error('\\x is not followed by a code point');
    this.#at += whole.length;
    return [[point, point]];
  }
}

function single(text: string): Ranges {
  const point = text.codePointAt(0) ?? 0;
  return [[point, point]];
}

function complement(ranges: Ranges): Ranges {
  const left: (readonly [number, number])[] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted(([one], [other]) => one - other)) {
    if (low > from) left.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= LAST_POINT) left.push([from, LAST_POINT]);
  return left;
}

/** Letters of ASCII alone have two cases here. */
function inBothCases(ranges: Ranges): Ranges {
  const both = [...ranges];
  for (const [low, high] of ranges) {
    const upper = [Math.max(low, 65), Math.min(high, 90)] as const;
    const lower = [Math.max(low, 97), Math.min(high, 122)] as const;
    if (upper[0] <= upper[1]) both.push([upper[0] + 32, upper[1] + 32]);
    if (lower[0] <= lower[1]) both.push([lower[0] - 32, lower[1] - 32]);
  }
  return both;
}
