import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fastify } from 'fastify';
import { assertSameOrigin, registerCrossSiteGuard } from './cross-site.ts';

const REBOUND = { host: 'evil.test' };

type Headers = Readonly<Record<string, string>>;

async function statusOf(method: 'GET' | 'POST', headers: Headers): Promise<number> {
  await using app = fastify();
  registerCrossSiteGuard(app);
  app.setErrorHandler((error, _request, reply) => {
    const isRefusal = error instanceof Error && error.name === 'DroverError';
    void reply.code(isRefusal ? 403 : 500).send();
  });
  app.route({ method: ['GET', 'POST'], url: '/jobs', handler: async () => 'done' });
  const own = { host: 'localhost:8080', ...headers };
  return (await app.inject({ method, url: '/jobs', headers: own })).statusCode;
}

describe('a request without a token that would change something', () => {
  const cases: readonly (readonly [what: string, headers: Headers, status: number])[] = [
    ['from a program, which says nothing of a page', {}, 200],
    ['from our own page', { origin: 'http://localhost:8080' }, 200],
    ['from our own page behind TLS', { origin: 'https://localhost:8080' }, 200],
    ['from a page of another host', { origin: 'http://evil.test' }, 403],
    ['from a page on another port of the host', { origin: 'http://localhost:3000' }, 403],
    ['from a name that was made to lead here', { ...REBOUND, origin: 'http://evil.test' }, 403],
    ['from a page without an origin, such as a file', { origin: 'null' }, 403],
    ['from a page that hides where it is', { 'sec-fetch-site': 'cross-site' }, 403],
    ['typed in by somebody', { 'sec-fetch-site': 'none' }, 200],
    ['with a token', { origin: 'http://evil.test', authorization: 'Bearer x' }, 200],
  ];
  for (const [what, headers, status] of cases) {
    it(`${what} is answered ${status}`, async () => {
      assert.equal(await statusOf('POST', headers), status);
    });
  }

  it('is not one that reads', async () => {
    assert.equal(await statusOf('GET', { origin: 'http://evil.test' }), 200);
  });
});

describe('a WebSocket without a token', () => {
  it('is refused to pages of another origin', () => {
    const host = '127.0.0.1:8080';
    assert.doesNotThrow(() => assertSameOrigin({ host }));
    assert.doesNotThrow(() => assertSameOrigin({ host, origin: 'http://127.0.0.1:8080' }));
    assert.throws(() => assertSameOrigin({ host, origin: 'http://evil.test' }), {
      kind: 'permission_denied',
      reason: 'CROSS_SITE',
    });
  });
});
