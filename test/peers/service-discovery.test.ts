import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authenticator } from '#access/authenticator.ts';
import { systemClock } from '#kernel/clock.ts';
import { METRICS_CONTENT_TYPE } from '#kernel/metrics-registry.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { registerTargets } from '#surfaces/vm-metrics/range/targets-route.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { TestPrometheus } from '#test/prometheus.ts';
import { until } from '#test/until.ts';

interface Targets {
  readonly activeTargets: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly scrapeUrl: string;
  }[];
}

describe('service discovery by a real Prometheus', () => {
  it('finds this server and the others it knows of, and scrapes it', async () => {
    await using stack = new AsyncDisposableStack();
    const app = createEdgeApp({
      log: createLogCapture().log,
      clock: systemClock,
      limits: DEFAULT_EDGE_LIMITS,
      draining: new AbortController().signal,
    });
    stack.defer(() => app.close());
    registerAuthentication(app, new Authenticator({ devMode: true }));
    registerTargets(app, {
      identity: { instanceId: 'i-1', accountId: 'acc' },
      otherTargets: async () => [{ targets: ['127.0.0.1:9'], labels: { instance: 'other' } }],
    });
    let scrapes = 0;
    app.get('/metrics', { config: { public: true } }, async (_request, reply) => {
      scrapes += 1;
      void reply.type(METRICS_CONTENT_TYPE);
      return 'answer 42\n';
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });

    const config = `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: drover
    http_sd_configs:
      - url: ${url}/sd/targets
        authorization: { type: Bearer, credentials: dev_operator }
`;
    const prometheus = stack.use(await TestPrometheus.open({ config }));
    // Prometheus passes on what it has discovered after five seconds.
    await until(() => (scrapes > 0 ? true : undefined), 'Prometheus to scrape this server');
    const { activeTargets } = (await prometheus.query('/api/v1/targets')) as Targets;
    assert.deepEqual(
      activeTargets
        .map(({ labels, scrapeUrl }) => ({ ...labels, scrapeUrl }))
        .toSorted((a, b) => a.scrapeUrl.length - b.scrapeUrl.length),
      [
        { instance: 'other', job: 'drover', scrapeUrl: 'http://127.0.0.1:9/metrics' },
        {
          ...{ account_id: 'acc', instance: 'i-1', instance_id: 'i-1', job: 'drover' },
          scrapeUrl: `${url}/metrics`,
        },
      ],
    );
  });
});
