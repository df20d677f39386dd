import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_FORM, formToRule, isNumber, ruleToForm, type Rule } from './rules.ts';

const RULE: Rule = {
  ...{ id: 'rule_1', name: 'root-disk', source: 'api', overridden: false },
  ...{ metric: 'drover_filesystem_used_percent', match: ['mountpoint="/"', 'device!="x"'] },
  ...{ comparison: '>', value: 80, for: '10m', hysteresis: 2, cooldown: '10m', repeat: null },
  ...{ severity: 'info', enabled: false, description: 'full soon' },
  ...{ health: { status: 'disabled', series: 0, error: null }, alerts: { pending: 0, firing: 0 } },
};

describe('the form of a rule', () => {
  it('says what the rule says, and becomes it again', () => {
    const { id: _id, source: _source, overridden: _was, health: _health, ...rest } = RULE;
    const { alerts: _alerts, ...definition } = rest;
    assert.deepEqual(formToRule(ruleToForm(RULE)), definition);
  });

  it('asks for an expression instead, with its own pace', () => {
    const form = { ...EMPTY_FORM, kind: 'expr', expr: ' sum(up) ', value: '1.5' } as const;
    const { expr, every, metric, value, cooldown } = formToRule(form);
    assert.deepEqual(
      [expr, every, metric, value, cooldown],
      [...['sum(up)', '15s', undefined, 1.5, '10m']],
    );
  });

  it('knows what is no number', () => {
    assert.deepEqual(['1e3', ' -2 ', '', 'ten', 'Infinity'].map(isNumber), [
      ...[true, true, false, false, false],
    ]);
  });
});
