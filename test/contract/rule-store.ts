/** What every RuleStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EventLog } from '#events/event-log.ts';
import type { EventSignal } from '#events/event-signal.ts';
import type { ThresholdEvent } from '#events/event.ts';
import { parseRule } from '#metrics/thresholds/parse-rule.ts';
import type { RuleId } from '#metrics/thresholds/rule.ts';
import type { RuleStore, StoredRule, StoredState } from '#metrics/thresholds/rule-store.ts';
import { ADA, BOB } from './store-fixtures.ts';

export interface OpenRuleStore extends AsyncDisposable {
  readonly rules: RuleStore;
  readonly events: EventLog;
  readonly eventSignal: EventSignal;
}

const CPU_RULE = 'cpu' as RuleId;

function storedRule(digits: string, choices: Partial<StoredRule> = {}): StoredRule {
  const name = `rule-${digits}`;
  return {
    id: `rule_${digits.padStart(16, '0')}` as RuleId,
    customerId: undefined,
    definition: parseRule({ name, metric: 'up', comparison: '<', value: 0.5, match: ['a="ü"'] }),
    createdAt: 1_700_000_000_000 + Number(digits),
    updatedAt: 1_700_000_000_000,
    version: 1,
    ...choices,
  };
}

export function violation(labels: Readonly<Record<string, string>>): ThresholdEvent {
  return {
    kind: 'threshold.violated',
    machineId: undefined,
    customerId: undefined,
    instanceId: 'host-1',
    accountId: 'acme',
    ruleId: CPU_RULE,
    ruleName: 'cpu',
    severity: 'warning',
    subject: 'up',
    comparison: '<',
    thresholdValue: 0.5,
    currentValue: 0.25,
    sinceMs: 1_700_000_000_000,
    labels,
    message: 'it is down',
  };
}

export function storedState(choices: Partial<StoredState> = {}): StoredState {
  return {
    instanceId: 'host-1',
    ruleId: CPU_RULE,
    labels: { device: 'sda', path: '/'.repeat(5000) },
    kind: 'pending',
    subject: 'up',
    sinceMs: 1_700_000_000_000,
    heldMs: 1234,
    noticedAt: undefined,
    savedAt: 1_700_000_001_000,
    transitionId: '',
    violated: undefined,
    failingCollectors: [],
    ...choices,
  };
}

/** What the log holds, without what is undefined, which JSON does not have. */
async function kindsIn(events: EventLog): Promise<string[]> {
  return (await events.read({ afterId: 0, limit: 100 })).map(({ event }) => event.kind);
}

export function itKeepsRules(open: () => Promise<OpenRuleStore>): void {
  it('answers rules as they were inserted, and counts the changes', async () => {
    await using stores = await open();
    const { rules } = stores;
    assert.deepEqual(await rules.list(), { revision: 0, rules: [] });
    const first = storedRule('1');
    const second = storedRule('2', { customerId: ADA });
    assert.equal(await rules.insert(first, 10), 1);
    assert.equal(await rules.insert(second, 10), 2);
    assert.deepEqual(await rules.list(), { revision: 2, rules: [first, second] });
    assert.equal(await rules.revision(), 2);
  });

  it('refuses a name its owner has in use, and no other', async () => {
    await using stores = await open();
    const { rules } = stores;
    const { definition } = storedRule('1');
    await rules.insert(storedRule('1'), 10);
    const refusal = { kind: 'already_exists', reason: 'RULE_EXISTS', message: /rule-1/ };
    await assert.rejects(rules.insert(storedRule('2', { definition }), 10), refusal);
    await rules.insert(storedRule('3', { definition, customerId: ADA }), 10);
    await rules.insert(storedRule('4'), 10);
    const renamed = storedRule('4', { definition, version: 2 });
    await assert.rejects(rules.update(renamed), refusal);
    assert.equal(await rules.revision(), 3);
  });

  it('refuses more rules than an owner may have, however many ask at once', async () => {
    await using stores = await open();
    const { rules } = stores;
    const insert = (digits: string, customerId = ADA) =>
      rules.insert(storedRule(digits, { customerId }), 3);
    const outcomes = await Promise.allSettled(
      ['1', '2', '3', '4', '5'].map((name) => insert(name)),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 2);
    await assert.rejects(insert('6'), { kind: 'resource_exhausted', reason: 'TOO_MANY_RULES' });
    await insert('6', BOB);
    assert.equal((await rules.list()).rules.length, 4);
  });

  it('updates only the version that was read', async () => {
    await using stores = await open();
    const { rules } = stores;
    const rule = storedRule('1');
    await rules.insert(rule, 10);
    const changed = { ...rule, version: 2, updatedAt: 1_800_000_000_000 };
    assert.equal(await rules.update(changed), 2);
    await assert.rejects(rules.update(changed), { kind: 'aborted', reason: 'RULE_CHANGED' });
    assert.deepEqual((await rules.list()).rules, [changed]);
  });

  it('removes rules', async () => {
    await using stores = await open();
    const { rules } = stores;
    await rules.insert(storedRule('1'), 10);
    await rules.remove(storedRule('1').id);
    await rules.remove(storedRule('2').id);
    assert.deepEqual((await rules.list()).rules, []);
  });

  it('commits a state together with its event, and wakes who waits', async () => {
    await using stores = await open();
    const { rules, events, eventSignal } = stores;
    const woken = eventSignal.next();
    const violated = violation({ device: 'sda' });
    const choices = { kind: 'firing', transitionId: 't1', noticedAt: 5, violated } as const;
    const state = storedState({ ...choices, failingCollectors: ['gpu'] });
    await rules.commit([{ state, event: violated }]);
    await woken;
    const [kept] = await rules.states('host-1');
    // Undefined fields are not in JSON.
    assert.deepEqual(kept, { ...state, violated: JSON.parse(JSON.stringify(violated)) });
    const [recorded] = await events.read({ afterId: 0, limit: 10 });
    assert.deepEqual(recorded?.event, JSON.parse(JSON.stringify(violated)));
    assert.deepEqual(await rules.states('host-2'), []);
  });

  it('does not write a transition twice', async () => {
    await using stores = await open();
    const { rules, events } = stores;
    const event = violation({});
    const state = storedState({ kind: 'firing', transitionId: 't1', violated: event });
    await rules.commit([{ state, event }]);
    await rules.commit([{ state, event }]);
    assert.deepEqual(await kindsIn(events), ['threshold.violated']);
    const resolved = storedState({ kind: 'resolved', transitionId: 't2' });
    await rules.commit([{ state: resolved, event: { ...event, kind: 'threshold.resolved' } }]);
    assert.deepEqual(await kindsIn(events), ['threshold.violated', 'threshold.resolved']);
    assert.deepEqual(await rules.states('host-1'), [resolved]);
  });

  it('writes neither states nor events when one of them cannot be', async () => {
    await using stores = await open();
    const { rules, events } = stores;
    const event = violation({});
    const good = storedState({ kind: 'firing', transitionId: 't1', violated: event });
    const bad = storedState({ labels: { b: '1' }, savedAt: NaN, transitionId: 't2' });
    await assert.rejects(
      rules.commit([
        { state: good, event },
        { state: bad, event },
      ]),
    );
    assert.deepEqual(await rules.states('host-1'), []);
    assert.deepEqual(await kindsIn(events), []);
  });

  it('saves how far states are, and forgets them, without an event', async () => {
    await using stores = await open();
    const { rules, events } = stores;
    const first = storedState();
    const second = storedState({ labels: { device: 'sdb' }, sinceMs: 1_800_000_000_000 });
    await rules.save([first, second], []);
    const further = { ...first, heldMs: 9999, savedAt: 1_800_000_000_000 };
    await rules.save([further], [second, storedState({ instanceId: 'host-2' })]);
    assert.deepEqual(await rules.states('host-1'), [further]);
    // What is forgotten and saved at once, is saved.
    await rules.save([first], [first]);
    assert.deepEqual(await rules.states('host-1'), [first]);
    assert.deepEqual(await kindsIn(events), []);
  });
}
