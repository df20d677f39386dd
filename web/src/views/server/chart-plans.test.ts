import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { History } from '#web/api/history.ts';
import { SERVER_CHARTS, SERVER_METRICS, planCharts } from './chart-plans.ts';

type Line = readonly [metric: string, label: Record<string, string>, values: (number | null)[]];

function historyOf(...lines: Line[]): History {
  const series = lines.map(([metric, labels, values]) => {
    return { metric: `drover_server_${metric}`, labels, values };
  });
  return { times: [10, 20], stepS: 10, series };
}

describe('the charts of a server', () => {
  it('are those of which something was measured', () => {
    const planned = planCharts(historyOf(['load1', {}, [1, 2]]), SERVER_CHARTS);
    assert.deepEqual(
      planned.map(({ plan, series }) => [plan.title, series]),
      [['Load, 1 min', [{ label: 'load', values: [1, 2] }]]],
    );
    assert.deepEqual(planCharts(historyOf(), SERVER_CHARTS), []);
  });

  it('stack the modes of the CPU in an order of their own, the rare ones together', () => {
    const [cpu] = planCharts(
      historyOf(
        ['cpu_mode_percent', { mode: 'irq' }, [1, null]],
        ['cpu_mode_percent', { mode: 'softirq' }, [2, null]],
        ['cpu_mode_percent', { mode: 'system' }, [5, 5]],
        ['cpu_mode_percent', { mode: 'user' }, [7, 7]],
        ['cpu_usage_percent', {}, [15, 12]],
      ),
      SERVER_CHARTS,
    );
    assert.deepEqual(cpu?.series, [
      { label: 'user', values: [7, 7] },
      { label: 'system', values: [5, 5] },
      { label: 'other', values: [3, null] },
    ]);
  });

  it('show the CPU as a whole where its modes are not told', () => {
    const [cpu] = planCharts(historyOf(['cpu_usage_percent', {}, [15, 12]]), SERVER_CHARTS);
    assert.deepEqual(cpu?.series, [{ label: 'in use', values: [15, 12] }]);
    assert.ok(SERVER_METRICS.includes('drover_server_cpu_usage_percent'));
  });

  it('draw the strongest of very many, and say how many there are', () => {
    const many = Array.from({ length: 9 }, (_, at): Line => {
      return ['disk_busy_percent', { device: `sd${at}` }, [at, null]];
    });
    const [busy] = planCharts(historyOf(...many), SERVER_CHARTS);
    assert.deepEqual(
      busy?.series.map(({ label }) => label),
      ['sd3', 'sd4', 'sd5', 'sd6', 'sd7', 'sd8'],
    );
    assert.equal(busy?.all, 9);
  });
});
