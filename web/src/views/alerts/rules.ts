/** Rules as `/api/v1/rules` has them, and how a form of texts becomes one. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export const COMPARISONS = ['>', '>=', '<', '<=', '==', '!='] as const;

export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly source: 'default' | 'config' | 'api';
  readonly overridden: boolean;
  /** Either this with `match`, or `expr` with `every`. */
  readonly metric?: string;
  readonly match?: readonly string[];
  readonly expr?: string;
  readonly every?: string;
  readonly comparison: (typeof COMPARISONS)[number];
  readonly value: number;
  readonly for: string;
  readonly hysteresis: number;
  readonly cooldown: string;
  readonly repeat: string | null;
  readonly severity: (typeof SEVERITIES)[number];
  readonly enabled: boolean;
  readonly description: string;
  readonly health: {
    readonly status: 'ok' | 'no_data' | 'error' | 'disabled';
    readonly series: number;
    readonly error: string | null;
  };
  readonly alerts: { readonly pending: number; readonly firing: number };
}

export const RULES_PATH = '/api/v1/rules';
const EVERY_MS = 5000;
const MOST = 1000;

export function useRules() {
  return useQuery({
    queryKey: queryKeys.rules,
    queryFn: ({ signal }) =>
      getJson<{ readonly rules: readonly Rule[] }>(RULES_PATH, {
        ...{ query: { page_size: MOST }, signal },
      }),
    refetchInterval: EVERY_MS,
  });
}

export function rulePath({ id }: Pick<Rule, 'id'>): string {
  return `${RULES_PATH}/${encodeURIComponent(id)}`;
}

/** All that is typed, as it is typed. */
export interface RuleForm {
  readonly name: string;
  readonly kind: 'metric' | 'expr';
  readonly metric: string;
  readonly match: string;
  readonly expr: string;
  readonly every: string;
  readonly comparison: Rule['comparison'];
  readonly value: string;
  readonly for: string;
  readonly hysteresis: string;
  readonly cooldown: string;
  readonly repeat: string;
  readonly severity: Rule['severity'];
  readonly description: string;
  readonly enabled: boolean;
}

export const EMPTY_FORM: RuleForm = {
  ...{ name: '', kind: 'metric', metric: '', match: '', expr: '', every: '15s' },
  ...{ comparison: '>', value: '', for: '5m', hysteresis: '0', cooldown: '10m', repeat: '' },
  ...{ severity: 'warning', description: '', enabled: true },
};

export function ruleToForm(rule: Rule): RuleForm {
  const { name, metric, match = [], expr, every, comparison, severity, description } = rule;
  return {
    ...{ name, comparison, severity, description, enabled: rule.enabled, for: rule.for },
    kind: expr === undefined ? 'metric' : 'expr',
    ...{ metric: metric ?? '', match: match.join('\n'), expr: expr ?? '', every: every ?? '15s' },
    ...{ value: String(rule.value), hysteresis: String(rule.hysteresis), cooldown: rule.cooldown },
    repeat: rule.repeat ?? '',
  };
}

/** What the server judges is left to it: only what is no number cannot be sent. */
export function formToRule(form: RuleForm): Readonly<Record<string, unknown>> {
  const { name, kind, metric, match, expr, every, comparison, severity, description } = form;
  const subject =
    kind === 'metric'
      ? { metric: metric.trim(), match: linesOf(match) }
      : { expr: expr.trim(), every: every.trim() };
  return {
    ...{ name: name.trim(), ...subject, comparison, severity, description: description.trim() },
    ...{ value: Number(form.value), hysteresis: Number(form.hysteresis || '0') },
    ...{ for: form.for.trim() || '0s', cooldown: form.cooldown.trim() || '0s' },
    ...{ repeat: form.repeat.trim() || null, enabled: form.enabled },
  };
}

export function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
