import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRules } from './config-rules.ts';
import { DEFAULT_RULES } from './default-rules.ts';
import { matcherProblem } from './label-filter.ts';
import { parseRule } from './parse-rule.ts';

const LEAST = { name: 'a', metric: 'up', comparison: '<', value: 1 };

describe('parseRule', () => {
  it('fills in what is left out', () => {
    assert.deepEqual(parseRule(LEAST), {
      name: 'a',
      subject: { kind: 'metric', metric: 'up', matchers: [] },
      comparison: '<',
      value: 1,
      forMs: 0,
      hysteresis: 0,
      cooldownMs: 0,
      repeatMs: undefined,
      severity: 'warning',
      labels: {},
      isEnabled: true,
      description: '',
    });
  });

  it('reads every field', () => {
    const rule = parseRule({
      name: 'disk.root',
      metric: 'node_filesystem_avail_bytes',
      match: ['mountpoint="/"', 'fstype!~"tmpfs|ramfs"'],
      comparison: '<=',
      value: 1e9,
      for: '1h30m',
      hysteresis: 5e8,
      cooldown: 600,
      repeat: '1d',
      severity: 'critical',
      labels: { team: 'storage' },
      enabled: false,
      description: 'the root disk is full',
    });
    assert.deepEqual(rule, {
      name: 'disk.root',
      subject: {
        kind: 'metric',
        metric: 'node_filesystem_avail_bytes',
        matchers: [
          { label: 'mountpoint', operator: '=', value: '/' },
          { label: 'fstype', operator: '!~', value: 'tmpfs|ramfs' },
        ],
      },
      comparison: '<=',
      value: 1e9,
      forMs: 5_400_000,
      hysteresis: 5e8,
      cooldownMs: 600_000,
      repeatMs: 86_400_000,
      severity: 'critical',
      labels: { team: 'storage' },
      isEnabled: false,
      description: 'the root disk is full',
    });
  });

  it('takes matchers as an object of values too', () => {
    const { subject } = parseRule({ ...LEAST, match: { job: 'x"y' } });
    assert.deepEqual(subject.kind === 'metric' && subject.matchers, [
      { label: 'job', operator: '=', value: 'x"y' },
    ]);
  });

  it('evaluates expressions every 15 seconds unless told otherwise', () => {
    const { metric: _, ...rest } = LEAST;
    assert.deepEqual(parseRule({ ...rest, expr: 'rate(x[5m])' }).subject, {
      kind: 'expression',
      expression: 'rate(x[5m])',
      everyMs: 15_000,
    });
  });

  it('changes of a rule only what is given', () => {
    const base = parseRule({ ...LEAST, match: ['a="b"'], for: '5m', repeat: '1h' });
    assert.deepEqual(parseRule({}, { base }), base);
    assert.deepEqual(parseRule({ value: 7, repeat: null }, { base }), {
      ...base,
      value: 7,
      repeatMs: undefined,
    });
    const { subject } = parseRule({ metric: 'down' }, { base });
    assert.deepEqual(subject, { kind: 'metric', metric: 'down', matchers: [] });
    assert.equal(parseRule({ expr: 'down' }, { base }).subject.kind, 'expression');
  });

  for (const [change, message] of [
    [{ name: undefined }, /^name: is required/],
    [{ name: 'a b' }, /^name: must be 1 to 63/],
    [{ name: 'rule_1' }, /^name: must be/],
    [{ name: 7 }, /^name: must be/],
    [{ metric: undefined }, /^metric: is required, or expr/],
    [{ metric: 'up{}' }, /^metric: must be the name of a metric.*match/],
    [{ metric: 7 }, /^metric: must be the name/],
    [{ expr: 'up' }, /^expr: cannot be combined with metric/],
    [{ metric: undefined, expr: ' ' }, /^expr: must not be empty/],
    [{ metric: undefined, expr: 'up', match: [] }, /^match: goes with metric/],
    [{ metric: undefined, expr: 'up', every: '100ms' }, /^every: must be a time from 1 s/],
    [{ every: '5s' }, /^every: goes with expr/],
    [{ match: 'a="b"' }, /^match: must be a list/],
    [{ match: ['a'] }, /^match\[0\]: must be text such as/],
    [{ match: ['a="b"', 7] }, /^match\[1\]: must be text/],
    [{ match: ['a=~"("'] }, /^match\[0\]: .* is no regular expression/],
    [{ match: ['a=~"(b+)+"'] }, /^match\[0\]: must not repeat a group/],
    [{ match: { 'a-b': 'c' } }, /^match\.a-b: "a-b" is no name of a label/],
    [{ match: { a: 1 } }, /^match\.a: must be text/],
    [{ match: Array(17).fill('a="b"') }, /^match: must hold at most 16/],
    [{ comparison: undefined }, /^comparison: is required/],
    [{ comparison: '=' }, /^comparison: must be one of > >= < <= == !=/],
    [{ value: undefined }, /^value: is required/],
    [{ value: '1' }, /^value: must be a number/],
    [{ value: NaN }, /^value: must be a number/],
    [{ for: '5 minutes' }, /^for: must be a time from 0 s to 30 days: seconds, or such as 90s/],
    [{ for: '31d' }, /^for: must be a time/],
    [{ for: null }, /^for: must be a time|^for: is required/],
    [{ hysteresis: -1 }, /^hysteresis: must not be negative/],
    [{ hysteresis: 1, comparison: '==' }, /^hysteresis: must be 0 where the comparison is ==/],
    [{ cooldown: -5 }, /^cooldown: must be a time/],
    [{ repeat: '10s' }, /^repeat: must be a time from 60 s/],
    [{ severity: 'fatal' }, /^severity: must be one of info warning critical/],
    [{ labels: [] }, /^labels: must be an object/],
    [{ labels: { 'a-b': '' } }, /^labels\.a-b: must be named/],
    [{ labels: { __a: 'x' } }, /^labels\.__a: must be named/],
    [{ labels: { a: 1 } }, /^labels\.a: must be text/],
    [{ enabled: 'yes' }, /^enabled: must be true or false/],
    [{ description: 'x'.repeat(1001) }, /^description: must be text of at most 1000/],
    [{ serverity: 'info' }, /^serverity: is not a field of a rule; did you mean severity\?/],
    [{ xyzzy: 1 }, /^xyzzy: is not a field of a rule; known: name, metric/],
  ] as const) {
    it(`refuses ${JSON.stringify(change).slice(0, 60)}`, () => {
      assert.throws(() => parseRule({ ...LEAST, ...change }), {
        kind: 'invalid_argument',
        reason: 'INVALID_FIELD',
        message,
      });
    });
  }

  for (const raw of [undefined, null, 7, 'x', [], [LEAST]]) {
    it(`refuses ${JSON.stringify(raw)} for a rule`, () => {
      assert.throws(() => parseRule(raw), { message: /^rule: must be an object/ });
    });
  }
});

describe('parseRules', () => {
  it('takes a rule that ships as it ships, but for what the file says', () => {
    const shipped = DEFAULT_RULES.find(({ name }) => name === 'cpu-usage');
    assert.deepEqual(parseRules([{ name: 'cpu-usage', enabled: false }]), [
      { ...shipped, isEnabled: false },
    ]);
    assert.deepEqual(parseRules(undefined), []);
  });

  it('names the rule that is wrong', () => {
    const refused = (raw: unknown, message: RegExp) =>
      assert.throws(() => parseRules(raw), { kind: 'invalid_argument', message });
    refused({}, /^rules: must be a list/);
    refused([LEAST, { ...LEAST, name: 'b', valu: 1 }], /^rules\[1\]\.valu: .*did you mean value/);
    refused([LEAST, 7], /^rules\[1\]: must be an object/);
    refused([LEAST, LEAST], /^rules\[1\]\.name: a is taken/);
    refused([{ name: 'new' }], /^rules\[0\]\.comparison: is required/);
  });
});

describe('the rules that ship with Drover', () => {
  it('have names of their own, and would be taken from a request', () => {
    const names = new Set(DEFAULT_RULES.map(({ name }) => name));
    assert.equal(names.size, DEFAULT_RULES.length);
    for (const base of DEFAULT_RULES) {
      assert.deepEqual(parseRule({}, { base }), base);
      const matchers = base.subject.kind === 'metric' ? base.subject.matchers : [];
      assert.deepEqual(
        matchers.map((matcher) => matcherProblem(matcher)),
        matchers.map(() => undefined),
      );
      assert.notEqual(base.description, '');
    }
  });
});
