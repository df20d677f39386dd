/**
 * Matches whole label values against a regular expression in time that grows with the product of
 * both lengths and no faster, whatever the expression: all states are followed at once, and none
 * is ever gone back to. Plain words and alternatives of them do not even need that.
 */
import { DroverError } from '#kernel/errors.ts';
import {
  parsePattern,
  patternError,
  ANY,
  type PatternNode,
  type Ranges,
} from './pattern-syntax.ts';

const MOST_STEPS = 3000;
const MOST_ALTERNATIVES = 10_000;
/** Of one matcher for all values it is asked about. */
const MOST_WORK = 10_000_000;

/** Steps go to the one behind them, unless they say otherwise. */
type Step =
  | { readonly kind: 'chars'; readonly ranges: Ranges }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'match' };

/** Answers whether the expression matches all of a text. */
export type TextTest = (text: string) => boolean;

export function compilePattern(text: string): TextTest {
  const node = parsePattern(text);
  const words = wordsOf(node);
  if (words !== undefined) {
    const known = new Set(words);
    return (value) => known.has(value);
  }
  if (isAnything(node)) {
    const least = node.least;
    return (value) => value.length >= least;
  }
  const matcher = new StepMatcher(compile(node, text));
  return (value) => matcher.matches(value);
}

function isAnything(node: PatternNode): node is Extract<PatternNode, { kind: 'repeat' }> {
  return (
    node.kind === 'repeat' &&
    node.least <= 1 &&
    node.most === Infinity &&
    node.part.kind === 'chars' &&
    node.part.ranges === ANY
  );
}

/** All texts the expression matches, when they are few and can be listed. */
function wordsOf(node: PatternNode): string[] | undefined {
  switch (node.kind) {
    case 'empty':
      return [''];
    case 'chars': {
      const [range] = node.ranges;
      if (node.ranges.length !== 1 || range === undefined || range[0] !== range[1])
        return undefined;
      return [String.fromCodePoint(range[0])];
    }
    case 'choice': {
      const lists = node.parts.map(wordsOf);
      return lists.every((list) => list !== undefined) ? lists.flat() : undefined;
    }
    case 'sequence': {
      let words = [''];
      for (const part of node.parts) {
        const tails = wordsOf(part);
        if (tails === undefined || words.length * tails.length > MOST_ALTERNATIVES) {
          return undefined;
        }
        words = words.flatMap((word) => tails.map((tail) => word + tail));
      }
      return words;
    }
    case 'start':
    case 'end':
    case 'repeat':
      return undefined;
  }
}

function compile(root: PatternNode, text: string): readonly Step[] {
  const steps: Step[] = [];
  const push = (step: Step) => {
    if (steps.length >= MOST_STEPS) throw patternError(text, 'it is too complex');
    steps.push(step);
  };
  const split = () => {
    const step = { kind: 'split' as const, first: steps.length + 1, second: 0 };
    push(step);
    return step;
  };
  const jump = (to: number) => push({ kind: 'split', first: to, second: to });
  const emitOptional = (part: PatternNode) => {
    const choice = split();
    emit(part);
    choice.second = steps.length;
  };
  const emitRepeat = ({ part, least, most }: Extract<PatternNode, { kind: 'repeat' }>) => {
    for (let count = 0; count < least; count += 1) emit(part);
    if (most === Infinity) {
      const start = steps.length;
      const choice = split();
      emit(part);
      jump(start);
      choice.second = steps.length;
    } else {
      for (let count = least; count < most; count += 1) emitOptional(part);
    }
  };
  const emitChoice = (parts: readonly PatternNode[]) => {
    const ends: { second: number; first: number }[] = [];
    parts.forEach((part, at) => {
      const isLast = at === parts.length - 1;
      const choice = isLast ? undefined : split();
      emit(part);
      if (choice === undefined) return;
      ends.push(split());
      choice.second = steps.length;
    });
    for (const end of ends) {
      end.first = steps.length;
      end.second = steps.length;
    }
  };
  const emit = (node: PatternNode): void => {
    switch (node.kind) {
      case 'empty':
        return;
      case 'chars':
      case 'start':
      case 'end':
        return push(node);
      case 'sequence':
        return node.parts.forEach(emit);
      case 'choice':
        return emitChoice(node.parts);
      case 'repeat':
        return emitRepeat(node);
    }
  };
  emit(root);
  push({ kind: 'match' });
  return steps;
}

class StepMatcher {
  readonly #steps: readonly Step[];
  /** In which round a step was last reached, so that it is followed once in each. */
  readonly #reached: Uint32Array;
  #round = 0;
  #work = 0;
  #matched = false;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#reached = new Uint32Array(steps.length);
  }

  matches(text: string): boolean {
    const points = Array.from(text, (char) => char.codePointAt(0) ?? 0);
    let current = this.#reach([0], 0, points.length);
    for (let at = 0; at < points.length && current.length > 0; at += 1) {
      const point = points[at] ?? 0;
      const next: number[] = [];
      for (const index of current) {
        const step = this.#steps[index];
        if (step?.kind === 'chars' && contains(step.ranges, point)) next.push(index + 1);
      }
      current = this.#reach(next, at + 1, points.length);
    }
    return current.length > 0 && this.#matched;
  }

  /** All steps that wait for a character, from these on. */
  #reach(from: number[], at: number, length: number): number[] {
    this.#round += 1;
    this.#matched = false;
    const waiting: number[] = [];
    const open = from;
    while (open.length > 0) {
      const index = open.pop() ?? 0;
      if (this.#reached[index] === this.#round) continue;
      this.#reached[index] = this.#round;
      this.#work += 1;
      const step = this.#steps[index];
      if (step === undefined) continue;
      if (step.kind === 'chars') waiting.push(index);
      else if (step.kind === 'split') open.push(step.second, step.first);
      else if (step.kind === 'start' && at === 0) open.push(index + 1);
      else if (step.kind === 'end' && at === length) open.push(index + 1);
      else if (step.kind === 'match') {
        this.#matched = true;
        waiting.push(index);
      }
    }
    if (this.#work > MOST_WORK) throw tooMuchWorkError();
    return waiting;
  }
}

function contains(ranges: Ranges, point: number): boolean {
  for (const [low, high] of ranges) if (point >= low && point <= high) return true;
  return false;
}

function tooMuchWorkError(): DroverError {
  return new DroverError(
    'resource_exhausted',
    'a regular expression takes too long on the labels there are: make it simpler, or add ' +
      'matchers that need none',
    { reason: 'PATTERN_TOO_EXPENSIVE' },
  );
}
