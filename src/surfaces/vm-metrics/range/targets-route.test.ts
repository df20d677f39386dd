import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Authenticator } from '#access/authenticator.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { registerTargets, type TargetsParts } from './targets-route.ts';

function setUp(parts: Partial<TargetsParts> = {}) {
  const app = createEdgeApp({
    log: createLogCapture().log,
    clock: new FakeClock(),
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  registerAuthentication(app, new Authenticator({ devMode: true }));
  registerTargets(app, { identity: { instanceId: 'i-1', accountId: 'acc' }, ...parts });
  return async (host: string, token = 'dev_operator') =>
    await app.inject({ url: '/sd/targets', headers: { host, authorization: `Bearer ${token}` } });
}

describe('GET /sd/targets', () => {
  it('names this server as the caller has reached it, and who it is', async () => {
    const answer = await setUp()('metrics.example:8080');
    assert.match(answer.headers['content-type'] as string, /^application\/json/);
    assert.deepEqual(answer.json(), [
      {
        targets: ['metrics.example:8080'],
        labels: {
          __metrics_path__: '/metrics',
          __scheme__: 'http',
          instance: 'i-1',
          instance_id: 'i-1',
          account_id: 'acc',
        },
      },
    ]);
  });

  it('adds the others that are known', async () => {
    const other = { targets: ['10.0.0.2:9100'], labels: { instance: 'other' } };
    const get = setUp({ otherTargets: async () => [other] });
    assert.deepEqual((await get('h:1')).json<unknown[]>()[1], other);
  });

  for (const [host, target] of [
    ['h', 'h:80'],
    ['192.0.2.1:65535', '192.0.2.1:65535'],
    ['[2001:db8::1]:8080', '[2001:db8::1]:8080'],
    ['[::1]', '[::1]:80'],
  ] as const) {
    it(`takes ${host} for ${target}`, async () => {
      const [own] = (await setUp()(host)).json<{ targets: string[] }[]>();
      assert.deepEqual(own?.targets, [target]);
    });
  }

  for (const host of ['h/../x', 'a b', 'h:0', 'h:65536', 'h:x', 'u@h', '"', '{{x}}']) {
    it(`refuses the host ${JSON.stringify(host)}`, async () => {
      assert.equal((await setUp()(host)).statusCode, 400);
    });
  }

  it('is for operators', async () => {
    assert.equal((await setUp()('h', 'dev_customer_acme')).statusCode, 403);
  });
});
