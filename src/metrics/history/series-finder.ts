/** Finds series by their labels: from each label and value to the series that have it. */
import type { Labels } from '#metrics/labels.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import type { HistorySeries } from './history-series.ts';
import { compilePattern, type TextTest } from './label-pattern.ts';

interface CompiledMatcher {
  readonly label: string;
  readonly test: TextTest;
  /** The one value that matches, when it is a single one and not the empty one. */
  readonly exactly: string | undefined;
}

export class SeriesFinder {
  readonly #all = new Set<HistorySeries>();
  readonly #byLabel = new Map<string, Map<string, Set<HistorySeries>>>();

  get size(): number {
    return this.#all.size;
  }

  all(): Iterable<HistorySeries> {
    return this.#all;
  }

  add(series: HistorySeries): void {
    this.#all.add(series);
    for (const [label, value] of Object.entries(series.fullLabels)) {
      let values = this.#byLabel.get(label);
      if (values === undefined) this.#byLabel.set(label, (values = new Map()));
      const members = values.get(value);
      if (members === undefined) values.set(value, new Set([series]));
      else members.add(series);
    }
  }

  remove(series: HistorySeries): void {
    this.#all.delete(series);
    for (const [label, value] of Object.entries(series.fullLabels)) {
      const values = this.#byLabel.get(label);
      const members = values?.get(value);
      members?.delete(series);
      if (members?.size === 0) values?.delete(value);
      if (values?.size === 0) this.#byLabel.delete(label);
    }
  }

  /** All series that every matcher matches. */
  find(matchers: readonly LabelMatcher[]): HistorySeries[] {
    const compiled = matchers.map(compileMatcher);
    let candidates: Iterable<HistorySeries> = this.#all;
    let fewest = this.#all.size;
    for (const { label, exactly } of compiled) {
      if (exactly === undefined) continue;
      const members = this.#byLabel.get(label)?.get(exactly);
      if (members === undefined) return [];
      if (members.size > fewest) continue;
      candidates = members;
      fewest = members.size;
    }
    const found: HistorySeries[] = [];
    for (const series of candidates) {
      if (compiled.every((matcher) => matches(matcher, series.fullLabels))) found.push(series);
    }
    return found;
  }
}

function matches({ label, test }: CompiledMatcher, labels: Labels): boolean {
  return test(labels[label] ?? '');
}

function compileMatcher({ label, operator, value }: LabelMatcher): CompiledMatcher {
  switch (operator) {
    case '=':
      return { label, test: (text) => text === value, exactly: value === '' ? undefined : value };
    case '!=':
      return { label, test: (text) => text !== value, exactly: undefined };
    case '=~':
      return { label, test: remembered(compilePattern(value)), exactly: undefined };
    case '!~': {
      const test = remembered(compilePattern(value));
      return { label, test: (text) => !test(text), exactly: undefined };
    }
  }
}

/** Many series share a value, and an expression costs more than a look-up. */
function remembered(test: TextTest): TextTest {
  const known = new Map<string, boolean>();
  return (text) => {
    let answer = known.get(text);
    if (answer === undefined) known.set(text, (answer = test(text)));
    return answer;
  };
}
