import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Exposition } from './exposition.ts';
import { SampleTable } from './sample-table.ts';

const LOAD = { name: 'node_load1', help: '1m load average.', kind: 'gauge', scale: 2 } as const;
const SEEN = { name: 'a_seen_total', help: 'Say "a\\b"\nc.', kind: 'counter', scale: 0 } as const;
const ODD = { name: 'node_odd', help: 'Odd.', kind: 'counter', scale: 0 } as const;

describe('the exposition', () => {
  it('writes families in the order of their names, with values at their scale', () => {
    const table = new SampleTable();
    const text = new Exposition(table, 'text');
    table.family(LOAD).series().set(123);
    table.family(SEEN).series({ who: 'x"\\\n', at: 'é' }).set(7);
    assert.equal(text.render(), '');
    table.endTick();
    assert.equal(
      text.render(),
      '# HELP a_seen_total Say "a\\\\b"\\nc.\n# TYPE a_seen_total counter\n' +
        'a_seen_total{at="é",who="x\\"\\\\\\n"} 7\n' +
        '# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1 1.23\n',
    );
  });

  it('leaves out what was not measured, and a family of which nothing was', () => {
    const table = new SampleTable();
    const text = new Exposition(table, 'text');
    const load = table.family(LOAD).series();
    const seen = table.family(SEEN).series({ who: 'a' });
    load.set(100);
    seen.set(1);
    table.endTick();
    assert.match(text.render(), /a_seen_total\{who="a"\} 1/);
    load.set(200);
    table.endTick();
    assert.doesNotMatch(text.render(), /a_seen_total/);
    assert.match(text.render(), /^node_load1 2$/m);
  });

  it('names families as OpenMetrics wants them', () => {
    const table = new SampleTable();
    table.family(SEEN).series().set(1);
    table.family(ODD).series().set(2);
    table.endTick();
    const text = new Exposition(table, 'openmetrics').render();
    assert.match(text, /^# TYPE a_seen counter\na_seen_total 1$/m);
    assert.match(text, /^# TYPE node_odd unknown\nnode_odd 2$/m);
  });
});
