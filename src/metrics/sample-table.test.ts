import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SampleTable } from './sample-table.ts';

const LOAD = { name: 'load', help: 'Load.', kind: 'gauge', scale: 2 } as const;

describe('the table of live samples', () => {
  it('shows what was set once the tick has ended', () => {
    const table = new SampleTable();
    const series = table.family(LOAD).series({ b: '2', a: '1', empty: '' });
    series.set(5);
    assert.equal(series.value, NaN);
    table.endTick();
    assert.equal(series.value, 5);
    assert.equal(series.key, 'load{a="1",b="2"}');
    assert.equal(table.seriesCount, 1);
  });

  it('takes for absent what is not set, or is no exact whole number', () => {
    const table = new SampleTable();
    const series = table.family(LOAD).series();
    for (const wrong of [1.5, NaN, Infinity, 2 ** 53]) {
      series.set(1);
      table.endTick();
      series.set(wrong);
      table.endTick();
      assert.equal(series.value, NaN, String(wrong));
    }
    series.set(-0);
    table.endTick();
    assert.ok(Object.is(series.value, 0));
  });

  it('forgets a series that stays away, and knows it again when it is back', () => {
    const table = new SampleTable();
    const family = table.family(LOAD);
    const series = family.series({ device: 'sda' });
    series.set(1);
    table.endTick();
    const before = table.membership;
    for (let tick = 0; tick < 100; tick += 1) table.endTick();
    assert.equal(table.seriesCount, 0);
    assert.equal(family.members.size, 0);
    assert.ok(table.membership > before);
    series.set(2);
    table.endTick();
    assert.equal(series.value, 2);
    assert.equal(family.series({ device: 'sda' }), series);
  });

  it('turns away series beyond its bound, and says of which family once', () => {
    const refused: string[] = [];
    const table = new SampleTable({ maxSeries: 2, onRefused: ({ name }) => refused.push(name) });
    const all = ['a', 'b', 'c'].map((cpu) => table.family(LOAD).series({ cpu }));
    for (let tick = 0; tick < 3; tick += 1) {
      for (const series of all) series.set(1);
      table.endTick();
    }
    assert.deepEqual(
      all.map(({ value }) => value),
      [1, 1, NaN],
    );
    assert.deepEqual(refused, ['load']);
    assert.equal(table.refusals, 3);
  });

  it('will not have one name mean two things', () => {
    const table = new SampleTable();
    table.family(LOAD);
    assert.throws(() => table.family({ ...LOAD, scale: 3 }), /declared twice/);
  });
});
