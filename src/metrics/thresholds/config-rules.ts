/** The `rules` of the config file: new ones, and changes to those that ship with Drover. */
import { invalidArgument } from '#kernel/errors.ts';
import { DEFAULT_RULES } from './default-rules.ts';
import { parseRule } from './parse-rule.ts';
import type { RuleDefinition } from './rule.ts';

const MOST_CONFIG_RULES = 500;

/** Complete rules: what is left out of one that ships with Drover is as it ships. */
export function parseRules(
  raw: unknown,
  field = 'rules',
  defaults: readonly RuleDefinition[] = DEFAULT_RULES,
): readonly RuleDefinition[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw invalidArgument(field, 'must be a list of rules');
  if (raw.length > MOST_CONFIG_RULES) {
    throw invalidArgument(field, `must hold at most ${MOST_CONFIG_RULES} rules`);
  }
  const names = new Set<string>();
  return raw.map((entry: unknown, index) => {
    const path = `${field}[${index}].`;
    const base = defaults.find(({ name }) => name === nameOf(entry));
    const rule = parseRule(entry, { path, base });
    if (names.has(rule.name)) {
      throw invalidArgument(`${path}name`, `${rule.name} is taken by a rule before it`);
    }
    names.add(rule.name);
    return rule;
  });
}

function nameOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'name' in entry ? entry.name : undefined;
}
