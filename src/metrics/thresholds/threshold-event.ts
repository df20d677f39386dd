/** What is told when a threshold is crossed or the trouble is over. */
import type { ThresholdEvent } from '#events/event.ts';
import { isCustomerId, isMachineId } from '#kernel/ids.ts';
import { labelsToText, mergeLabels, METRIC_NAME, type Labels } from '#metrics/labels.ts';
import { durationToText } from './duration.ts';
import { comparisonToWords, subjectToText, type Comparison, type Rule } from './rule.ts';

/** Whose figures are meant by series that name no machine. */
export interface MeasuredIdentity {
  readonly instanceId: string;
  readonly accountId: string | undefined;
}

export interface Crossing {
  readonly labels: Labels;
  readonly value: number;
  readonly sinceMs: number;
}

/** Why it is over: it is good again, there is nothing to measure, or nobody asks any more. */
export type Ending = 'recovered' | 'gone' | 'rule-changed';

export function crossingToEvent(
  rule: Rule,
  { labels, value, sinceMs }: Crossing,
  identity: MeasuredIdentity,
): ThresholdEvent {
  const subject = subjectToText(rule.subject);
  return {
    kind: 'threshold.violated',
    ...measuredOf(rule, labels, identity),
    ruleId: rule.id,
    ruleName: rule.name,
    severity: rule.severity,
    subject,
    comparison: rule.comparison,
    thresholdValue: rule.value,
    currentValue: value,
    sinceMs,
    // A rule adds labels; it does not give a series another name.
    labels: mergeLabels(rule.labels, labels),
    message: crossingToSentence(rule, labels, value),
  };
}

export function endingToEvent(
  violated: ThresholdEvent,
  { value, ending, atMs }: { value: number | undefined; ending: Ending; atMs: number },
): ThresholdEvent {
  const currentValue = ending === 'recovered' ? value : undefined;
  const after = durationToText(Math.max(0, Math.round((atMs - violated.sinceMs) / 1000)) * 1000);
  const words = endingToWords(violated, currentValue, ending);
  const message = `${violated.ruleName}: ${words}, after ${after}`;
  return { ...violated, kind: 'threshold.resolved', currentValue, message };
}

function measuredOf(rule: Rule, labels: Labels, { instanceId, accountId }: MeasuredIdentity) {
  const machine = labels['machine_id'] ?? '';
  const customer = rule.customerId ?? labels['customer_id'] ?? '';
  const machineId = isMachineId(machine) ? machine : undefined;
  const customerId = isCustomerId(customer) ? customer : undefined;
  return { machineId, customerId, instanceId: machineId ?? instanceId, accountId };
}

function crossingToSentence(rule: Rule, labels: Labels, value: number): string {
  const held = rule.forMs === 0 ? '' : ` for ${durationToText(rule.forMs)}`;
  const what = `${whatOf(rule.subject.kind === 'metric' ? rule.subject.metric : '', labels)}`;
  const side = `${comparisonToWords(rule.comparison)} ${valueToText(rule.value)}`;
  const told = rule.description === '' ? '' : `; ${rule.description}`;
  return `${rule.name}: ${what} is ${valueToText(value)}, ${side}${held}${told}`;
}

function endingToWords(
  { subject, labels, comparison, thresholdValue }: ThresholdEvent,
  value: number | undefined,
  ending: Ending,
): string {
  const what = whatOf(/^[\w:]+/.exec(subject)?.[0] ?? '', labels);
  const threshold = valueToText(thresholdValue);
  switch (ending) {
    case 'recovered': {
      const side = `no longer ${wordsOf(comparison)} ${threshold}`;
      return `${what} is ${value === undefined ? 'back' : valueToText(value)}, ${side}`;
    }
    case 'gone':
      return `${what} is no longer measured`;
    case 'rule-changed':
      return `the rule was changed, switched off or removed while ${what} was crossing it`;
  }
}

function wordsOf(comparison: string): string {
  return comparisonToWords(comparison as Comparison);
}

/** The name the series itself has, or the one the rule gives. */
function whatOf(metric: string, labels: Labels): string {
  const { [METRIC_NAME]: name = metric, ...rest } = labels;
  const text = labelsToText(rest);
  if (text === '') return name === '' ? 'the value' : name;
  return `${name}{${text}}`;
}

/** Six digits tell people enough. */
function valueToText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
