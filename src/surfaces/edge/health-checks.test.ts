import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fastify } from 'fastify';
import { FakeClock } from '#kernel/fake-clock.ts';
import { HealthChecks, type HealthCheck, type HealthReport } from './health-checks.ts';
import { prefersPlainText, registerHealthRoute } from './health-route.ts';

const well: HealthCheck = { name: 'backend_ping', isCritical: true, run: async () => {} };

function setUp(checks: readonly HealthCheck[]) {
  const clock = new FakeClock();
  const failures: string[] = [];
  const health = new HealthChecks({
    clock,
    version: '1.2.3',
    backendType: 'qemu',
    backendCheck: 'backend_ping',
    checks,
    onFailure: (name) => failures.push(name),
  });
  return { clock, failures, health };
}

function failing(name: string, isCritical: boolean): HealthCheck {
  return { name, isCritical, run: async () => Promise.reject(new Error('down')) };
}

describe('a health report', () => {
  it('has every documented field', async () => {
    const report = await setUp([well]).health.report();
    assert.equal(report.status, 'healthy');
    assert.equal(report.version, '1.2.3');
    assert.deepEqual(report.backend, { type: 'qemu', status: 'healthy' });
    assert.equal(report.timestamp, '2026-01-01T00:00:00.000Z');
    assert.equal(report.checks['backend_ping']?.status, 'healthy');
    assert.equal(report.checks['backend_ping']?.duration_ms, 0);
    assert.ok(report.system.memory_usage_mb > 1);
    assert.ok(report.system.uptime_seconds >= 0);
    assert.ok(report.system.cpu_usage_percent >= 0);
  });

  const cases: readonly [string, readonly HealthCheck[], HealthReport['status']][] = [
    ['a lesser part is down', [well, failing('events', false)], 'degraded'],
    ['a critical part is down', [well, failing('store', true)], 'unhealthy'],
    ['the backend is down', [failing('backend_ping', true)], 'unhealthy'],
    [
      'a part says it is degraded',
      [{ name: 'backend_ping', isCritical: true, run: async () => 'degraded' }],
      'degraded',
    ],
    [
      'a check throws at once',
      [
        well,
        {
          name: 'rash',
          isCritical: true,
          run: () => {
            throw new Error('rash');
          },
        },
      ],
      'unhealthy',
    ],
  ];
  for (const [what, checks, status] of cases) {
    it(`is ${status} when ${what}`, async () => {
      assert.equal((await setUp(checks).health.report()).status, status);
    });
  }

  it('comes within a second though a check hangs, and starts no second one', async () => {
    let started = 0;
    const hang = Promise.withResolvers<void>();
    const hung: HealthCheck = {
      name: 'backend_ping',
      isCritical: true,
      run: () => {
        started += 1;
        return hang.promise;
      },
    };
    const { clock, failures, health } = setUp([hung]);
    for (let round = 0; round < 3; round += 1) {
      const report = health.report();
      await clock.advance(999);
      assert.equal((await report).status, 'unhealthy');
      await clock.advance(1);
    }
    assert.equal(started, 1);
    assert.equal(failures.length, 3);
    hang.resolve();
    await clock.advance(1);
    assert.equal((await health.report()).status, 'healthy');
    assert.equal(started, 2);
    assert.equal(clock.pendingTimers, 0);
  });

  it('is shared by those who ask within a second', async () => {
    let runs = 0;
    const counted = { ...well, run: async () => void (runs += 1) };
    const { clock, health } = setUp([counted]);
    await Promise.all([health.report(), health.report()]);
    await clock.advance(999);
    await health.report();
    assert.equal(runs, 1);
    await clock.advance(1);
    await health.report();
    assert.equal(runs, 2);
  });
});

describe('GET /health', () => {
  async function ask(checks: readonly HealthCheck[], accept?: string) {
    const app = fastify();
    registerHealthRoute(app, setUp(checks).health);
    return app.inject({ url: '/health', ...(accept !== undefined && { headers: { accept } }) });
  }

  it('is JSON, 200 while it is of use and 503 when it is not', async () => {
    assert.equal((await ask([well])).json<HealthReport>().status, 'healthy');
    assert.equal((await ask([well, failing('events', false)])).statusCode, 200);
    assert.equal((await ask([failing('backend_ping', true)])).statusCode, 503);
  });

  it('is one word to who prefers text', async () => {
    const answer = await ask([well], 'text/plain');
    assert.equal(answer.body, 'healthy');
    assert.match(String(answer.headers['content-type']), /^text\/plain/);
    const down = await ask([failing('backend_ping', true)], 'text/plain');
    assert.equal(down.statusCode, 503);
    assert.equal(down.body, 'unhealthy');
  });

  for (const [accept, isText] of [
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['text/plain', true],
    ['text/*', true],
    ['text/plain, */*', false],
    ['text/plain, */*;q=0.5', true],
    ['text/plain;q=0.5, application/json', false],
    ['text/html, application/xhtml+xml, */*;q=0.8', false],
  ] as const) {
    it(`takes Accept: ${accept} to prefer ${isText ? 'text' : 'JSON'}`, () => {
      assert.equal(prefersPlainText(accept), isText);
    });
  }
});
