import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MetricsRegistry } from './metrics-registry.ts';

const LABELS = ['backend'] as const;

describe('a metrics registry', () => {
  it('writes counters, gauges and histograms in the text format', () => {
    const metrics = new MetricsRegistry();
    const boots = metrics.counter({ name: 'vm_boots_total', help: 'Boots.', labels: LABELS });
    boots.inc({ backend: 'qemu' });
    boots.inc({ backend: 'qemu' }, 2);
    metrics.gauge({ name: 'vms', help: 'Machines.' }).set({}, 7);
    const durations = metrics.histogram({
      name: 'boot_seconds',
      help: 'Boot time.',
      labels: LABELS,
      buckets: [0.5, 1],
    });
    for (const seconds of [0.25, 0.5, 0.75, 5]) durations.observe({ backend: 'qemu' }, seconds);
    assert.equal(
      metrics.expose(),
      [
        '# HELP boot_seconds Boot time.',
        '# TYPE boot_seconds histogram',
        'boot_seconds_bucket{backend="qemu",le="0.5"} 2',
        'boot_seconds_bucket{backend="qemu",le="1"} 3',
        'boot_seconds_bucket{backend="qemu",le="+Inf"} 4',
        'boot_seconds_sum{backend="qemu"} 6.5',
        'boot_seconds_count{backend="qemu"} 4',
        '# HELP drover_metrics_collector_failures_total Failed readings of values that are read ' +
          'when metrics are asked for.',
        '# TYPE drover_metrics_collector_failures_total counter',
        'drover_metrics_collector_failures_total 0',
        '# HELP vm_boots_total Boots.',
        '# TYPE vm_boots_total counter',
        'vm_boots_total{backend="qemu"} 3',
        '# HELP vms Machines.',
        '# TYPE vms gauge',
        'vms 7',
        '',
      ].join('\n'),
    );
  });

  it('takes values of a histogram that were counted apart', () => {
    const metrics = new MetricsRegistry();
    const options = { name: 'run_seconds', help: 'Runs.', labels: LABELS, buckets: [0.5, 1] };
    const durations = metrics.histogram(options);
    durations.observe({ backend: 'qemu' }, 0.75);
    durations.add({ backend: 'qemu' }, { counts: [2, 0, 1], sum: 9 });
    const lines = metrics.expose().split('\n');
    assert.ok(lines.includes('run_seconds_bucket{backend="qemu",le="0.5"} 2'));
    assert.ok(lines.includes('run_seconds_bucket{backend="qemu",le="1"} 3'));
    assert.ok(lines.includes('run_seconds_sum{backend="qemu"} 9.75'));
    assert.ok(lines.includes('run_seconds_count{backend="qemu"} 4'));
  });

  it('forgets the label sets of what is gone, of every kind of metric', () => {
    const metrics = new MetricsRegistry();
    const families = [
      metrics.counter({ name: 'boots_total', help: 'Boots.', labels: LABELS }),
      metrics.gauge({ name: 'vms', help: 'Machines.', labels: LABELS }),
      metrics.histogram({ name: 'boot_seconds', help: 'Boot time.', labels: LABELS }),
    ] as const;
    families[0].inc({ backend: 'gone' });
    families[1].set({ backend: 'gone' }, 1);
    families[2].observe({ backend: 'gone' }, 1);
    for (const family of families) family.remove({ backend: 'gone' });
    assert.doesNotMatch(metrics.expose(), /gone/);
  });

  it('escapes what would break a line', () => {
    const metrics = new MetricsRegistry();
    const odd = metrics.counter({ name: 'odd_total', help: 'a\nb\\', labels: LABELS });
    odd.inc({ backend: 'a"b\\c\nd' });
    const text = metrics.expose();
    assert.ok(text.includes('# HELP odd_total a\\nb\\\\\n'));
    assert.ok(text.includes('odd_total{backend="a\\"b\\\\c\\nd"} 1\n'));
  });

  it('drops and counts label sets above the bound, and keeps the known ones going', () => {
    const metrics = new MetricsRegistry();
    const bounded = metrics.counter({
      name: 'bounded_total',
      help: 'Bounded.',
      labels: LABELS,
      maxLabelSets: 2,
    });
    for (const backend of ['a', 'b', 'c', 'd', 'a']) bounded.inc({ backend });
    const text = metrics.expose();
    assert.ok(text.includes('bounded_total{backend="a"} 2\n'));
    assert.ok(!text.includes('backend="c"'));
    assert.ok(text.includes('drover_metrics_dropped_label_sets_total{metric="bounded_total"} 2\n'));
  });

  it('makes room again when a label set is removed', () => {
    const metrics = new MetricsRegistry();
    const gauge = metrics.gauge({ name: 'g', help: 'G.', labels: LABELS, maxLabelSets: 1 });
    gauge.set({ backend: 'a' }, 1);
    gauge.remove({ backend: 'a' });
    gauge.set({ backend: 'b' }, 2);
    assert.match(metrics.expose(), /\ng\{backend="b"\} 2\n/);
    gauge.clear();
    assert.doesNotMatch(metrics.expose(), /TYPE g gauge/);
  });

  it('answers the same family to the same declaration, and refuses another one', () => {
    const metrics = new MetricsRegistry();
    const declare = () => metrics.counter({ name: 'same_total', help: 'Same.', labels: LABELS });
    declare().inc({ backend: 'a' });
    declare().inc({ backend: 'a' });
    assert.ok(metrics.expose().includes('same_total{backend="a"} 2\n'));
    assert.throws(() => metrics.gauge({ name: 'same_total', help: 'Same.' }), /declared twice/);
  });

  it('reads collected values each time, and survives a collector that throws', () => {
    const metrics = new MetricsRegistry();
    const gauge = metrics.gauge({ name: 'reads', help: 'Reads.' });
    metrics.onCollect(() => {
      throw new Error('broken');
    });
    const collecting = metrics.onCollect(() => gauge.add({}, 1));
    assert.match(metrics.expose(), /\nreads 1\n/);
    assert.match(metrics.expose(), /\nreads 2\n/);
    collecting[Symbol.dispose]();
    const text = metrics.expose();
    assert.match(text, /\nreads 2\n/);
    assert.match(text, /collector_failures_total 3\n/);
  });

  it('refuses names Prometheus would not take, and a counter that goes down', () => {
    const metrics = new MetricsRegistry();
    assert.throws(() => metrics.counter({ name: 'bad-name', help: 'Bad.' }));
    assert.throws(() => metrics.counter({ name: 'x_total', help: 'X.', labels: ['le'] }));
    assert.throws(() => metrics.histogram({ name: 'h', help: 'H.', buckets: [2, 1] }));
    const down = metrics.counter({ name: 'down_total', help: 'Down.' });
    assert.throws(() => down.inc({}, -1), RangeError);
  });

  it('counts a bound histogram like any other, within the limit on label sets', () => {
    const registry = new MetricsRegistry();
    const options = { name: 'd', help: 'h', labels: ['a'], buckets: [1], maxLabelSets: 1 } as const;
    const histogram = registry.histogram<'a'>(options);
    const observe = histogram.bind({ a: 'x' });
    observe(0.5);
    histogram.observe({ a: 'x' }, 2);
    histogram.bind({ a: 'one too many' })(1);
    const text = registry.expose();
    assert.match(text, /d_bucket\{a="x",le="1"\} 1\n.*d_count\{a="x"\} 2\n/s);
    assert.doesNotMatch(text, /one too many/);
    assert.match(text, /dropped_label_sets_total\{metric="d"\} [12]\n/);
  });
});
