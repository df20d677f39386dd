/** Our own exposition, read by a real Prometheus in whichever format it prefers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '#apps/drover/config.ts';
import { FAKE_ENV } from '#apps/drover/client/fake-api.ts';
import { ask, createVm, get } from '#test/api-client.ts';
import { openTestServer } from '#test/drover-server.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import { until } from '#test/until.ts';

interface Vector {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
}

const { metrics: METRICS } = parseConfig({ flags: new Map(), env: FAKE_ENV }).config;

describe('a real Prometheus that scrapes the gateway', () => {
  it('takes every sample, and knows counters from gauges', async () => {
    await using server = await openTestServer({
      config: { metrics: { ...METRICS, intervalMs: 200 } },
    });
    const vmId = await createVm(server);
    await ask(server, 'BootVm', { vm_id: vmId });
    const config = `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: drover
    static_configs: [{ targets: ['127.0.0.1:${server.port}'] }]
`;
    await using prometheus = await TestPrometheus.open({ config });
    const ask1 = async (query: string) => {
      const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
      return ((await prometheus.query(path)) as Vector).result;
    };
    await until(async () => {
      const [up] = await ask1('up{job="drover"} == 1');
      const [machine] = await ask1(`drover_machine_up{machine_id="${vmId}"}`);
      return up !== undefined && machine !== undefined ? true : undefined;
    }, 'a scrape that succeeds and holds the machine');
    const [scraped] = await ask1('scrape_samples_scraped{job="drover"}');
    const { text } = await get(server, '/metrics');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    // Series of requests come as they are made.
    assert.ok(
      Math.abs(Number(scraped?.value[1]) - lines) < 100,
      `${scraped?.value[1]} of ${lines}`,
    );
    const metadata = (await prometheus.query('/api/v1/metadata')) as Readonly<
      Record<string, readonly { readonly type: string }[]>
    >;
    assert.equal(metadata['node_load1']?.[0]?.type, 'gauge');
    const counter = metadata['node_context_switches'] ?? metadata['node_context_switches_total'];
    assert.equal(counter?.[0]?.type, 'counter');
    assert.equal((await ask1('node_context_switches_total{job="drover"}')).length, 1);
  });
});
