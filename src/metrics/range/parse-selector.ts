/** `name{a="b",c=~"d"}`, as Prometheus writes which series are meant. */
import { invalidArgument, type DroverError } from '#kernel/errors.ts';
import { isLabelName, isMetricName, METRIC_NAME } from '#metrics/labels.ts';
import { compilePattern } from '#metrics/history/label-pattern.ts';
import type { LabelMatcher, MatchOperator } from '#metrics/metric-reader.ts';
import { parseString } from '#metrics/promql/literals.ts';

const MOST_CHARS = 4096;
const MOST_MATCHERS = 50;
const NAME = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)/;
const MATCHER = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*/;
const QUOTED = /^(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)/;
const OPERATORS: Readonly<Record<string, MatchOperator>> = {
  ...{ '=': '=', '!=': '!=', '=~': '=~', '!~': '!~' },
};

/** Throws `invalid_argument` that says where the text stops making sense. */
export function parseSelector(text: string, field: string): readonly LabelMatcher[] {
  if (text.length > MOST_CHARS) {
    throw invalidArgument(field, `must be at most ${MOST_CHARS} characters`);
  }
  return new SelectorParser(text, field).parse();
}

/** The selector of all series of a metric. */
export function parseMetricName(text: string, field: string): LabelMatcher {
  if (isMetricName(text)) return nameMatcher(text);
  throw invalidArgument(field, 'must be the name of a metric: letters, digits, _ and :');
}

class SelectorParser {
  readonly #text: string;
  readonly #field: string;
  readonly #matchers: LabelMatcher[] = [];
  #at = 0;

  constructor(text: string, field: string) {
    this.#text = text;
    this.#field = field;
  }

  parse(): readonly LabelMatcher[] {
    const name = this.#take(NAME)?.[1];
    if (name !== undefined) this.#matchers.push(nameMatcher(name));
    if (this.#take(/^\s*\{/) !== undefined) this.#braces();
    else if (name === undefined) throw this.#error('a metric name or {');
    if (this.#take(/^\s*$/) === undefined) throw this.#error('nothing more');
    return this.#matchers;
  }

  #braces(): void {
    while (this.#take(/^\s*\}/) === undefined) {
      this.#matcher();
      if (this.#matchers.length > MOST_MATCHERS) {
        throw invalidArgument(this.#field, `must have at most ${MOST_MATCHERS} matchers`);
      }
      if (this.#take(/^\s*,/) !== undefined) continue;
      if (this.#take(/^\s*\}/) !== undefined) return;
      throw this.#error(', or }');
    }
  }

  #matcher(): void {
    const [, label = '', sign = ''] = this.#take(MATCHER) ?? [];
    const operator = OPERATORS[sign];
    if (operator === undefined || !isLabelName(label)) {
      throw this.#error('a label name, one of = != =~ !~, and a quoted value');
    }
    const quoted = this.#take(QUOTED)?.[0];
    const value = quoted === undefined ? undefined : parseString(quoted);
    if (value === undefined) throw this.#error('a quoted value');
    // Compiled here for its complaint: the reader compiles it again for its matches.
    if (operator === '=~' || operator === '!~') compilePattern(value);
    this.#matchers.push({ label, operator, value });
  }

  #take(form: RegExp): RegExpExecArray | undefined {
    const found = form.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #error(expected: string): DroverError {
    const rest = this.#text.slice(this.#at, this.#at + 20);
    const found = rest === '' ? 'it ends' : `there is ${JSON.stringify(rest)}`;
    return invalidArgument(
      this.#field,
      `must be a selector such as name{label="value"}; at character ${this.#at + 1} ${expected} ` +
        `is expected and ${found}`,
      { position: String(this.#at + 1) },
    );
  }
}

function nameMatcher(name: string): LabelMatcher {
  return { label: METRIC_NAME, operator: '=', value: name };
}
