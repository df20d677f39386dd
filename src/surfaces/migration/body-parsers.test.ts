import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fastify } from 'fastify';
import { parseYaml, registerBodyParsers, YAML_TYPES } from './body-parsers.ts';

async function send(type: string | undefined, payload: string) {
  await using app = fastify();
  registerBodyParsers(app);
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

  it('of YAML longer than a quarter of a MiB is 413', async () => {
    assert.equal((await send('text/yaml', `a: ${'x'.repeat(300_000)}`))[0], 413);
  });
});

describe('YAML', () => {
  const refused = {
    'that is cut short': 'a: "b',
    'of two documents': 'a: 1\n---\nb: 2\n',
    'with a key twice': 'a: 1\na: 2\n',
    'whose aliases stand for billions of values': bomb(),
    'nested deeper than anybody means': `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`${what} is refused`, () => {
      assert.throws(() => parseYaml(text), {
        kind: 'invalid_argument',
        reason: 'MALFORMED_YAML',
        message: /^the request body is not valid YAML: .{1,200}$/,
      });
    });
  }

  it('may use an alias where it says the same twice', () => {
    const text = 'a: &one {type: vsphere}\nb: *one\n';
    assert.deepEqual(parseYaml(text), { a: { type: 'vsphere' }, b: { type: 'vsphere' } });
  });

  it('holds no tags that would make something else of a value', () => {
    assert.deepEqual(parseYaml('at: 2026-01-17\nyes: no\n'), { at: '2026-01-17', yes: 'no' });
  });

  it('cannot reach a prototype', () => {
    const value = parseYaml('__proto__:\n  polluted: yes\n') as { polluted?: unknown };
    assert.equal(value.polluted, undefined);
  });
});

/** Nine levels of nine aliases each. */
function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level += 1) {
    const same = Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ');
    lines.push(`a${level}: &a${level} [${same}]`);
  }
  return lines.join('\n');
}
