/** From a request or the config file to the definition of a rule, or a refusal naming the field. */
import { invalidArgument } from '#kernel/errors.ts';
import { didYouMean, nearest } from '#kernel/nearest.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { createLabels, isLabelName, isMetricName, type Labels } from '#metrics/labels.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { parseDuration } from './duration.ts';
import { matcherProblem, parseMatcher } from './label-filter.ts';
import {
  allowsHysteresis,
  COMPARISONS,
  SEVERITIES,
  type RuleDefinition,
  type RuleSubject,
} from './rule.ts';

const RULE_FIELDS = [
  ...['name', 'metric', 'match', 'expr', 'every', 'comparison', 'value', 'for', 'hysteresis'],
  ...['cooldown', 'repeat', 'severity', 'labels', 'enabled', 'description'],
];

const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** Ids of rules made by the API begin so, and a name may stand where an id does. */
const RESERVED_PREFIX = 'rule_';
const MOST_FOR_MS = 30 * DAY_MS;
const LEAST_EVERY_MS = SECOND_MS;
const MOST_EVERY_MS = DAY_MS;
const DEFAULT_EVERY_MS = 15 * SECOND_MS;
const LEAST_REPEAT_MS = MINUTE_MS;
const MOST_MATCHERS = 16;
const MOST_LABELS = 16;
const MOST_LABEL_CHARS = 256;
const MOST_EXPRESSION_CHARS = 4096;
const MOST_DESCRIPTION_CHARS = 1000;

type Fields = Readonly<Record<string, unknown>>;

export interface RuleContext {
  /** What fields that are left out are taken from; without it some must be there. */
  readonly base?: RuleDefinition | undefined;
  /** Stands before the names of fields in refusals: `rules[3].`. */
  readonly path?: string;
  /** Fields that somebody else reads. */
  readonly otherFields?: readonly string[];
}

export function parseRule(raw: unknown, context: RuleContext = {}): RuleDefinition {
  const { base, path = '', otherFields = [] } = context;
  const fields = parseFields(raw, path, [...RULE_FIELDS, ...otherFields]);
  const reader = new FieldReader(fields, path);
  const comparison = reader.choice('comparison', COMPARISONS, base?.comparison);
  const hysteresis = reader.number('hysteresis', base?.hysteresis ?? 0);
  if (hysteresis < 0) throw invalidArgument(`${path}hysteresis`, 'must not be negative');
  if (hysteresis > 0 && !allowsHysteresis(comparison)) {
    throw invalidArgument(`${path}hysteresis`, `must be 0 where the comparison is ${comparison}`);
  }
  return {
    name: parseRuleName(fields['name'] ?? base?.name, `${path}name`),
    subject: parseSubject(reader, base?.subject),
    comparison,
    value: reader.number('value', base?.value),
    forMs: reader.duration('for', base?.forMs ?? 0, [0, MOST_FOR_MS]),
    hysteresis,
    cooldownMs: reader.duration('cooldown', base?.cooldownMs ?? 0, [0, MOST_FOR_MS]),
    repeatMs: parseRepeat(reader, base?.repeatMs),
    severity: reader.choice('severity', SEVERITIES, base?.severity ?? 'warning'),
    labels: reader.has('labels') ? parseLabels(reader) : (base?.labels ?? {}),
    isEnabled: reader.flag('enabled', base?.isEnabled ?? true),
    description: reader.text('description', base?.description ?? '', MOST_DESCRIPTION_CHARS),
  };
}

function parseRuleName(raw: unknown, field: string): string {
  if (raw === undefined) throw invalidArgument(field, 'is required');
  const isName = typeof raw === 'string' && NAME_FORM.test(raw);
  if (isName && !raw.startsWith(RESERVED_PREFIX)) return raw;
  throw invalidArgument(
    field,
    `must be 1 to 63 letters, digits or _ . -, beginning with a letter or digit and not with ` +
      RESERVED_PREFIX,
  );
}

/** An object that has none but these fields. */
function parseFields(raw: unknown, path: string, known: readonly string[]): Fields {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw invalidArgument(path === '' ? 'rule' : path.replace(/\.$/, ''), 'must be an object');
  }
  const unknown = Object.keys(raw).find((name) => !known.includes(name));
  if (unknown === undefined) return raw as Fields;
  const hint =
    nearest(unknown, known) === undefined
      ? `; known: ${known.join(', ')}`
      : didYouMean(unknown, known);
  throw invalidArgument(`${path}${unknown.slice(0, 64)}`, `is not a field of a rule${hint}`);
}

function parseSubject(reader: FieldReader, base: RuleSubject | undefined): RuleSubject {
  const { path } = reader;
  if (reader.has('metric') && reader.has('expr')) {
    throw invalidArgument(`${path}expr`, 'cannot be combined with metric; give one of the two');
  }
  const isExpression = reader.has('expr') || (!reader.has('metric') && base?.kind === 'expression');
  if (isExpression) {
    const before = base?.kind === 'expression' ? base : undefined;
    if (reader.has('match')) {
      throw invalidArgument(`${path}match`, 'goes with metric; write matchers into the expression');
    }
    const expression = reader.text('expr', before?.expression, MOST_EXPRESSION_CHARS);
    if (expression.trim() === '') throw invalidArgument(`${path}expr`, 'must not be empty');
    const everyMs = before?.everyMs ?? DEFAULT_EVERY_MS;
    const range = [LEAST_EVERY_MS, MOST_EVERY_MS] as const;
    return { kind: 'expression', expression, everyMs: reader.duration('every', everyMs, range) };
  }
  const before = base?.kind === 'metric' ? base : undefined;
  const metric = reader.given('metric') ?? before?.metric;
  if (metric === undefined) {
    throw invalidArgument(`${path}metric`, 'is required, or expr with an expression');
  }
  if (typeof metric !== 'string' || metric.length > 256 || !isMetricName(metric)) {
    throw invalidArgument(
      `${path}metric`,
      'must be the name of a metric, such as drover_cpu_usage_percent; labels go into match',
    );
  }
  if (reader.has('every')) {
    throw invalidArgument(`${path}every`, 'goes with expr; metrics are compared at every sample');
  }
  // Matchers of another metric would mean something else.
  const kept = before?.metric === metric ? before.matchers : [];
  return { kind: 'metric', metric, matchers: reader.has('match') ? parseMatch(reader) : kept };
}

/** A list of `label="value"`, `label!~"value"`…, or an object of labels with their values. */
function parseMatch(reader: FieldReader): readonly LabelMatcher[] {
  const raw = reader.given('match');
  const field = `${reader.path}match`;
  if (typeof raw !== 'object' || raw === null) {
    throw invalidArgument(field, `must be a list such as ['mountpoint="/"', 'device!~"loop.*"']`);
  }
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(raw)
    ? raw.map((text: unknown, index) => [`${field}[${index}]`, text] as const)
    : Object.entries(raw).map(([name, value]) => [`${field}.${name.slice(0, 64)}`, value] as const);
  if (entries.length > MOST_MATCHERS) {
    throw invalidArgument(field, `must hold at most ${MOST_MATCHERS} matchers`);
  }
  return entries.map(([place, given]) => {
    const text = typeof given === 'string' ? given : undefined;
    const matcher =
      text === undefined || Array.isArray(raw)
        ? parseMatcher(text ?? '')
        : ({ label: place.slice(field.length + 1), operator: '=', value: text } as const);
    if (text === undefined || matcher === undefined) {
      throw invalidArgument(place, `must be text such as mountpoint="/" or device!~"loop.*"`);
    }
    const problem = matcherProblem(matcher);
    if (problem !== undefined) throw invalidArgument(place, problem);
    return matcher;
  });
}

function parseRepeat(reader: FieldReader, base: number | undefined): number | undefined {
  if (reader.given('repeat') === null) return undefined;
  if (!reader.has('repeat')) return base;
  return reader.duration('repeat', undefined, [LEAST_REPEAT_MS, MOST_FOR_MS]);
}

function parseLabels(reader: FieldReader): Labels {
  const raw = reader.given('labels');
  const field = `${reader.path}labels`;
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw invalidArgument(field, 'must be an object of names and texts');
  }
  const entries = Object.entries(raw as Fields);
  if (entries.length > MOST_LABELS) {
    throw invalidArgument(field, `must hold at most ${MOST_LABELS} labels`);
  }
  return createLabels(
    entries.map(([name, value]) => {
      const place = `${field}.${name.slice(0, 64)}`;
      if (!isLabelName(name) || name.startsWith('__') || name.length > 64) {
        throw invalidArgument(place, 'must be named with letters, digits and _, 64 at most');
      }
      if (typeof value === 'string' && value.length <= MOST_LABEL_CHARS) return [name, value];
      throw invalidArgument(place, `must be text of at most ${MOST_LABEL_CHARS} signs`);
    }),
  );
}

class FieldReader {
  readonly path: string;
  readonly #fields: Fields;

  constructor(fields: Fields, path: string) {
    this.#fields = fields;
    this.path = path;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  given(name: string): unknown {
    return this.#fields[name];
  }

  number(name: string, base: number | undefined): number {
    const value = this.#required(name, base);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw invalidArgument(`${this.path}${name}`, 'must be a number');
  }

  flag(name: string, base: boolean): boolean {
    const value = this.#required(name, base);
    if (typeof value === 'boolean') return value;
    throw invalidArgument(`${this.path}${name}`, 'must be true or false');
  }

  text(name: string, base: string | undefined, mostChars: number): string {
    const value = this.#required(name, base);
    if (typeof value === 'string' && value.length <= mostChars) return value;
    throw invalidArgument(`${this.path}${name}`, `must be text of at most ${mostChars} signs`);
  }

  choice<T extends string>(name: string, choices: readonly T[], base: T | undefined): T {
    const value = this.#required(name, base);
    const choice = choices.find((known) => known === value);
    if (choice !== undefined) return choice;
    throw invalidArgument(`${this.path}${name}`, `must be one of ${choices.join(' ')}`);
  }

  duration(
    name: string,
    base: number | undefined,
    [leastMs, mostMs]: readonly [number, number],
  ): number {
    const given = this.#fields[name];
    if (given === undefined && base !== undefined) return base;
    const ms = parseDuration(this.#required(name, undefined));
    if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
    const range = `from ${leastMs / 1000} s to ${mostMs / DAY_MS} days`;
    throw invalidArgument(
      `${this.path}${name}`,
      `must be a time ${range}: seconds, or such as 90s, 5m or 1h30m`,
    );
  }

  #required(name: string, base: unknown): unknown {
    const value = this.#fields[name] ?? base;
    if (value !== undefined) return value;
    throw invalidArgument(`${this.path}${name}`, 'is required');
  }
}
