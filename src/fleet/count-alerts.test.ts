import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomerId, ServerId } from '#kernel/ids.ts';
import type { Severity } from '#metrics/thresholds/rule.ts';
import { countAlerts, type FiringAlert } from './count-alerts.ts';

const HERE = 'here' as ServerId;

function alert(severity: Severity, name: string, server?: string): FiringAlert {
  const labels = server === undefined ? {} : { server };
  const rule = { name, severity, customerId: undefined };
  return { rule, series: { labels }, silence: undefined };
}

describe('countAlerts', () => {
  it('counts by the server that the series names, else for this host', () => {
    const firing = [
      ...[alert('critical', 'hot', 'a'), alert('info', 'x', 'a')],
      ...['e', 'd', 'c', 'b', 'b'].map((name) => alert('warning', name)),
    ];
    assert.deepEqual(Object.fromEntries(countAlerts(firing, [HERE])), {
      a: {
        ...{ critical: 1, warning: 0, info: 1 },
        names: { critical: 'hot', warning: '', info: 'x' },
      },
      here: {
        ...{ critical: 0, warning: 5, info: 0 },
        names: { critical: '', warning: 'b, c, d, 1 more', info: '' },
      },
    });
  });

  it('leaves out what is silenced, what customers look after, and what names no server', () => {
    const hot = alert('critical', 'hot', 'a');
    const rule = { ...hot.rule, customerId: 'acme' as CustomerId };
    const firing = [{ ...hot, silence: {} }, { ...hot, rule }, alert('warning', 'x', 'Not An Id')];
    assert.equal(countAlerts(firing, [HERE]).size, 0);
  });
});
