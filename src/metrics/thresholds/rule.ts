/** What a threshold rule is, and what its comparisons mean. */
import type { CustomerId } from '#kernel/ids.ts';
import type { Labels } from '#metrics/labels.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { matcherToText } from './label-filter.ts';

declare const brand: unique symbol;

/**
 * Of a rule made by the API: `rule_` and sixteen hex digits. A rule that ships with Drover or
 * stands in the config file has its name for an id, so that it keeps its alerts over restarts.
 */
export type RuleId = string & { readonly [brand]: 'rule' };

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const COMPARISONS = ['>', '>=', '<', '<=', '==', '!='] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** What is compared: every series of a metric that matches, or all that an expression answers. */
export type RuleSubject =
  | {
      readonly kind: 'metric';
      readonly metric: string;
      readonly matchers: readonly LabelMatcher[];
    }
  | {
      readonly kind: 'expression';
      readonly expression: string;
      /** How often it is evaluated. */
      readonly everyMs: number;
    };

export interface RuleDefinition {
  /** No other rule of the same owner has it. */
  readonly name: string;
  readonly subject: RuleSubject;
  readonly comparison: Comparison;
  readonly value: number;
  /** How long it must be crossed without a break before anybody is told. */
  readonly forMs: number;
  /** How far behind the threshold the value must go before the alert resolves. */
  readonly hysteresis: number;
  /** The least time between two notices that the same series crossed the threshold. */
  readonly cooldownMs: number;
  /** While it fires, how often that is told again; undefined is once. */
  readonly repeatMs: number | undefined;
  readonly severity: Severity;
  /** Added to those of the series in what is told. */
  readonly labels: Labels;
  readonly isEnabled: boolean;
  readonly description: string;
}

/** Shipped with Drover, standing in the config file, or made by the API. */
export type RuleSource = 'default' | 'config' | 'api';

export interface Rule extends RuleDefinition {
  readonly id: RuleId;
  /** Sees this customer's series only; undefined is a rule of the operator, who sees all. */
  readonly customerId: CustomerId | undefined;
  readonly source: RuleSource;
  /** Whether a rule that ships with Drover has been changed, by the API or the config file. */
  readonly isOverridden: boolean;
  /** Undefined when it was never stored. */
  readonly createdAt: number | undefined;
  readonly updatedAt: number | undefined;
}

interface Meaning {
  /** Whether the value is on the wrong side. */
  readonly crosses: (value: number, threshold: number) => boolean;
  /** Which way recovery lies, for the hysteresis; 0 where there is no such way. */
  readonly recovery: -1 | 0 | 1;
  /** Between the value and the threshold, in a sentence. */
  readonly words: string;
}

const MEANINGS = {
  '>': { crosses: (value, threshold) => value > threshold, recovery: -1, words: 'above' },
  '>=': { crosses: (value, threshold) => value >= threshold, recovery: -1, words: 'at or above' },
  '<': { crosses: (value, threshold) => value < threshold, recovery: 1, words: 'below' },
  '<=': { crosses: (value, threshold) => value <= threshold, recovery: 1, words: 'at or below' },
  '==': { crosses: (value, threshold) => value === threshold, recovery: 0, words: 'equal to' },
  '!=': { crosses: (value, threshold) => value !== threshold, recovery: 0, words: 'other than' },
} as const satisfies Record<Comparison, Meaning>;

export type Condition = Pick<RuleDefinition, 'comparison' | 'value' | 'hysteresis'>;

export function isCrossed({ comparison, value: threshold }: Condition, value: number): boolean {
  return MEANINGS[comparison].crosses(value, threshold);
}

/** Not only back, but back by the hysteresis: what ends an alert that fires. */
export function isRecovered(condition: Condition, value: number): boolean {
  const { comparison, hysteresis } = condition;
  const meaning: Meaning = MEANINGS[comparison];
  return !meaning.crosses(value, condition.value + meaning.recovery * hysteresis);
}

export function comparisonToWords(comparison: Comparison): string {
  return MEANINGS[comparison].words;
}

export function allowsHysteresis(comparison: Comparison): boolean {
  return MEANINGS[comparison].recovery !== 0;
}

/** The metric with its matchers, or the expression. */
export function subjectToText(subject: RuleSubject): string {
  if (subject.kind === 'expression') return subject.expression;
  if (subject.matchers.length === 0) return subject.metric;
  return `${subject.metric}{${subject.matchers.map(matcherToText).join(',')}}`;
}
