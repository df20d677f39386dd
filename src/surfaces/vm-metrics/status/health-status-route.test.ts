import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fastify } from 'fastify';
import type { HealthReport, HealthStatus } from '#metrics/collection-health.ts';
import { registerHealthStatus } from './health-status-route.ts';

async function answerFor(status: HealthStatus) {
  const component = { lastSuccessMs: 1_626_350_430_900, details: 'as it is' };
  const report: HealthReport = {
    ...{ status, uptimeSeconds: 3600 },
    components: [
      { name: 'metrics_collection', status, ...component },
      { name: 'api', status: 'ok', details: 'answering', lastSuccessMs: undefined },
    ],
  };
  await using app = fastify();
  registerHealthStatus(app, {
    health: { report: () => Promise.resolve(report) },
    version: '1.2.3',
  });
  return await app.inject('/api/v1/health/status');
}

describe('GET /api/v1/health/status', () => {
  it('has the documented shape', async () => {
    assert.deepEqual((await answerFor('ok')).json(), {
      status: 'ok',
      uptime_seconds: 3600,
      components: {
        metrics_collection: { status: 'ok', last_success: 1_626_350_430, details: 'as it is' },
        api: { status: 'ok', last_success: null, details: 'answering' },
      },
      version: '1.2.3',
    });
  });

  it('answers 503 on error, and 200 for what still works', async () => {
    const codes = [];
    for (const status of ['ok', 'degraded', 'error'] as const) {
      codes.push((await answerFor(status)).statusCode);
    }
    assert.deepEqual(codes, [200, 200, 503]);
  });
});
