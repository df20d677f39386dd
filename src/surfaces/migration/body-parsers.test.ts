import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fastify, type FastifyInstance } from 'fastify';
import { toHttpFailure } from '#surfaces/edge/http-errors.ts';
import { registerBodyParsers, takeEveryType, YAML_TYPES } from './body-parsers.ts';

async function send(
  type: string | undefined,
  payload: string,
  prepare: (app: FastifyInstance) => void = () => undefined,
) {
  await using app = fastify();
  registerBodyParsers(app);
  prepare(app);
  app.setErrorHandler((error, _request, reply) => {
    void reply.code(toHttpFailure(error).status).send({});
  });
  app.post('/x', async ({ body }) => ({ body: body ?? null }));
  const headers = type === undefined ? {} : { 'content-type': type };
  const answer = await app.inject({ method: 'POST', url: '/x', headers, payload });
  return [answer.statusCode, answer.json<{ readonly body?: unknown }>().body];
}

describe('a body', () => {
  for (const type of ['application/json', 'application/json; charset=utf-8']) {
    it(`as ${type} is read`, async () => {
      assert.deepEqual(await send(type, '{"a":[1]}'), [200, { a: [1] }]);
    });
  }

  for (const type of [...YAML_TYPES, 'application/yaml; charset=utf-8']) {
    it(`as ${type} is read`, async () => {
      assert.deepEqual(await send(type, 'a:\n  - 1\n'), [200, { a: [1] }]);
    });
  }

  it('of nothing is none, whatever its type says', async () => {
    assert.deepEqual(await send('application/json', ''), [200, null]);
    assert.deepEqual(await send('application/json', ' \n'), [200, null]);
    assert.deepEqual(await send('application/yaml', ''), [200, null]);
  });

  it('of another type is 415, since pages of strangers may send those', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/xml']) {
      assert.equal((await send(type, '{}'))[0], 415);
    }
  });

  it('that reaches for a prototype is refused', async () => {
    assert.equal((await send('application/json', '{"__proto__":{"a":1}}'))[0], 400);
  });

  it('of YAML longer than 64 KiB is 413', async () => {
    assert.equal((await send('text/yaml', `a: ${'x'.repeat(70_000)}`))[0], 413);
  });
});

describe('a body on a route that takes every type', () => {
  const sendAs = (type: string | undefined, payload: string) => send(type, payload, takeEveryType);

  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'text/xml', undefined]) {
    it(`is read as JSON, then as YAML, when it is called ${type ?? 'nothing'}`, async () => {
      assert.deepEqual(await sendAs(type, '{"a":[1]}'), [200, { a: [1] }]);
      assert.deepEqual(await sendAs(type, 'a:\n  - 1\n'), [200, { a: [1] }]);
      assert.deepEqual(await sendAs(type, '{"a":[1'), [400, undefined]);
      assert.deepEqual(await sendAs(type, 'a: "b'), [400, undefined]);
      assert.deepEqual(await sendAs(type, ' \n'), [200, null]);
    });
  }

  it('is JSON alone where its type says so', async () => {
    assert.deepEqual(await sendAs('application/json', 'a: 1'), [400, undefined]);
  });

  it('is no longer than YAML may be, if it is no JSON', async () => {
    const long = JSON.stringify({ a: 'x'.repeat(70_000) });
    assert.equal((await sendAs('text/plain', long))[0], 200);
    assert.equal((await sendAs('text/plain', `a: ${long}`))[0], 413);
  });
});
