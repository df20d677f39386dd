import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { createEdgeApp } from './edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from './edge-limits.ts';

function setUp(paths: readonly string[]) {
  const app = createEdgeApp({
    ...{ log: createLogCapture().log, clock: new FakeClock(), limits: DEFAULT_EDGE_LIMITS },
    draining: new AbortController().signal,
  });
  app.errorForms.add(paths, ({ message }) => ({ error: message }));
  app.get('/jobs/:id', () => {
    throw new Error('a fault');
  });
  const bodyOf = async (method: 'GET' | 'POST', url: string) => {
    const { statusCode, body } = await app.inject({ method, url });
    return [statusCode, Object.keys(JSON.parse(body) as object)];
  };
  return bodyOf;
}

const USUAL = ['code', 'message', 'details', 'request_id'];

describe('a form of errors', () => {
  it('is that of all below its paths, of faults and of what is not there', async () => {
    const bodyOf = setUp(['/jobs']);
    assert.deepEqual(await bodyOf('GET', '/jobs/1?a=b'), [500, ['error']]);
    assert.deepEqual(await bodyOf('POST', '/jobs/1'), [405, ['error']]);
    assert.deepEqual(await bodyOf('GET', '/jobs'), [404, ['error']]);
    assert.deepEqual(await bodyOf('GET', '/jobs/1/2'), [404, ['error']]);
  });

  it('is not that of other paths', async () => {
    const bodyOf = setUp(['/jobs']);
    assert.deepEqual(await bodyOf('GET', '/jobsites'), [404, USUAL]);
    assert.deepEqual(await bodyOf('GET', '/'), [404, USUAL]);
  });

  it('of / is that of everything', async () => {
    const bodyOf = setUp(['/']);
    assert.deepEqual(await bodyOf('GET', '/'), [404, ['error']]);
    assert.deepEqual(await bodyOf('GET', '/nowhere'), [404, ['error']]);
  });
});
