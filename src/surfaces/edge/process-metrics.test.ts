import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { openTestListener } from '#test/edge-listener.ts';
import { registerMetricsRoute } from './metrics-route.ts';
import { openProcessMetrics } from './process-metrics.ts';

describe('GET /metrics', () => {
  it('holds process and request metrics that promtool finds nothing wrong with', async (t) => {
    const metrics = new MetricsRegistry();
    using _process = openProcessMetrics(metrics, systemClock);
    await using edge = await openTestListener(
      (app) => {
        registerMetricsRoute(app, metrics);
        app.get('/v1/vms', async () => []);
      },
      { metrics },
    );
    await (await fetch(`${edge.url}/v1/vms`)).text();
    const answer = await fetch(`${edge.url}/metrics`);
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    assert.match(text, /^process_cpu_seconds_total \d/m);
    assert.match(text, /^process_resident_memory_bytes \d{7,}$/m);
    if (process.platform === 'linux') assert.match(text, /^process_open_fds \d+$/m);
    assert.match(text, /^drover_http_request_duration_seconds_count\{route="\/v1\/vms"/m);
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (checked.error !== undefined) {
      t.skip('promtool is not installed (Debian: prometheus)');
      return;
    }
    assert.equal(checked.status, 0, `${checked.stdout}${checked.stderr}`);
    assert.equal(checked.stderr, '');
  });
});
