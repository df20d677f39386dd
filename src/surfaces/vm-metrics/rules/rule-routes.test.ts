import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { DEFAULT_RULES } from '#metrics/thresholds/default-rules.ts';
import type { Json } from '#test/api-client.ts';
import { createRuleApi, READ_ONLY } from '#test/rule-api.ts';
import { openWorld, TEMPERATURE, warmRule, type WorldOptions } from '#test/threshold-fixture.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
interface Answer {
  readonly status: number;
  readonly json: Json;
}

const NEW_RULE = { name: 'hot', metric: TEMPERATURE.name, comparison: '>', value: 40, for: '2s' };

function asker(app: FastifyInstance, token: string, headers: Record<string, string> = {}) {
  return async (method: Method, path: string, body?: unknown): Promise<Answer> => {
    const answer = await app.inject({
      method,
      url: `/api/v1/${path}`,
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const json = answer.body === '' ? {} : answer.json<Json>();
    return { status: answer.statusCode, json };
  };
}

async function openApi(options: WorldOptions = {}) {
  const world = await openWorld({ configRules: [], ...options });
  const app = createRuleApi(world.thresholds);
  return {
    world,
    operator: asker(app, 'dev_operator'),
    ada: asker(app, 'dev_customer_ada'),
    bob: asker(app, 'dev_customer_bob'),
    readOnly: asker(app, 'dev_customer_ada', { [READ_ONLY]: 'yes' }),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

function names(answer: Answer): string[] {
  return (answer.json['rules'] as { name: string }[]).map(({ name }) => name);
}

describe('/api/v1/rules', () => {
  it('makes a rule, and answers it with what was left out', async () => {
    await using api = await openApi();
    const made = await api.operator('POST', 'rules', { ...NEW_RULE, match: ['room!="x"'] });
    assert.equal(made.status, 201);
    const { id, ...rest } = made.json;
    assert.match(id, /^rule_[0-9a-f]{16}$/);
    const at = '2026-01-01T00:00:00.000Z';
    assert.deepEqual(rest, {
      name: 'hot',
      customer_id: null,
      source: 'api',
      overridden: false,
      metric: TEMPERATURE.name,
      match: ['room!="x"'],
      comparison: '>',
      value: 40,
      for: '2s',
      hysteresis: 0,
      cooldown: '0s',
      repeat: null,
      severity: 'warning',
      labels: {},
      enabled: true,
      description: '',
      health: { status: 'no_data', series: 0, error: null },
      alerts: { pending: 0, firing: 0 },
      created_at: at,
      updated_at: at,
    });
    assert.deepEqual((await api.operator('GET', `rules/${String(id)}`)).json, made.json);
    assert.deepEqual((await api.operator('GET', 'rules/hot')).json, made.json);
  });

  it('takes back what it answered', async () => {
    await using api = await openApi();
    const { json } = await api.operator('POST', 'rules', { ...NEW_RULE, repeat: '1h' });
    const put = await api.operator('PUT', `rules/${String(json['id'])}`, json);
    assert.equal(put.status, 200);
    assert.deepEqual(put.json, json);
  });

  it('replaces with PUT and changes with PATCH', async () => {
    await using api = await openApi();
    await api.operator('POST', 'rules', { ...NEW_RULE, severity: 'critical' });
    const patched = await api.operator('PATCH', 'rules/hot', { value: 41, cooldown: 300 });
    assert.equal(patched.json['severity'], 'critical');
    assert.equal(patched.json['cooldown'], '5m');
    const put = await api.operator('PUT', 'rules/hot', { ...NEW_RULE, name: 'hotter' });
    assert.equal(put.json['severity'], 'warning');
    assert.equal(put.json['value'], 40);
    assert.equal((await api.operator('GET', 'rules/hot')).status, 404);
    assert.equal((await api.operator('DELETE', 'rules/hotter')).status, 204);
    assert.equal((await api.operator('DELETE', 'rules/hotter')).status, 404);
  });

  it('shows each customer its own rules, and an operator all', async () => {
    await using api = await openApi({ defaults: DEFAULT_RULES });
    const made = await api.ada('POST', 'rules', NEW_RULE);
    const adas = `rules/${String(made.json['id'])}`;
    assert.equal(made.json['customer_id'], 'ada');
    assert.equal(
      (await api.bob('POST', 'rules', NEW_RULE)).status,
      201,
      'the name is free for bob',
    );
    const given = { ...NEW_RULE, name: 'given', customer_id: 'ada' };
    assert.equal((await api.operator('POST', 'rules', given)).status, 201);
    assert.deepEqual(names(await api.ada('GET', 'rules')).toSorted(), ['given', 'hot']);
    assert.deepEqual(names(await api.operator('GET', 'rules?customer_id=bob')), ['hot']);
    const all = await api.operator('GET', 'rules');
    assert.equal(all.json['total_count'], DEFAULT_RULES.length + 3);
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const body = method === 'PATCH' ? {} : undefined;
      const answer = await api.bob(method, adas, body);
      assert.equal(answer.status, 404);
      assert.equal((await api.bob(method, 'rules/cpu-usage', body)).status, 404);
    }
    const stolen = { ...NEW_RULE, name: 'b', customer_id: 'ada' };
    assert.equal((await api.bob('POST', 'rules', stolen)).status, 403);
    assert.equal((await api.bob('GET', 'rules?customer_id=ada')).status, 403);
    assert.equal((await api.operator('PATCH', adas, { customer_id: 'bob' })).status, 400);
  });

  it('lets a token that may only read, read', async () => {
    await using api = await openApi();
    await api.ada('POST', 'rules', NEW_RULE);
    assert.equal((await api.readOnly('GET', 'rules/hot')).status, 200);
    assert.equal((await api.readOnly('GET', 'alerts')).status, 200);
    for (const [method, path] of [
      ['POST', 'rules'],
      ['PUT', 'rules/hot'],
      ['PATCH', 'rules/hot'],
      ['DELETE', 'rules/hot'],
    ] as const) {
      const answer = await api.readOnly(method, path, method === 'DELETE' ? undefined : NEW_RULE);
      assert.equal(answer.status, 403);
    }
  });

  it('refuses a name that is taken', async () => {
    await using api = await openApi({ defaults: DEFAULT_RULES });
    await api.operator('POST', 'rules', NEW_RULE);
    for (const name of ['hot', 'cpu-usage']) {
      const answer = await api.operator('POST', 'rules', { ...NEW_RULE, name });
      assert.equal(answer.status, 409);
      assert.match(answer.json['message'], new RegExp(`^name: there is a rule ${name} already`));
    }
  });

  for (const [body, message] of [
    [{ ...NEW_RULE, valeu: 1 }, /^valeu: is not a field of a rule; did you mean value\?/],
    [{ ...NEW_RULE, for: 'long' }, /^for: must be a time/],
    [[NEW_RULE], /^rule: must be an object/],
    [{ ...NEW_RULE, customer_id: 7 }, /^customer_id: must be the id of a customer/],
  ] as const) {
    it(`answers 400 and what would be right to ${JSON.stringify(body).slice(-30)}`, async () => {
      await using api = await openApi();
      const answer = await api.operator('POST', 'rules', body);
      assert.equal(answer.status, 400);
      assert.equal(answer.json['code'], 'invalid_argument');
      assert.match(answer.json['message'], message);
    });
  }

  it('pages, without repeating or leaving out', async () => {
    await using api = await openApi({ defaults: DEFAULT_RULES });
    for (const name of ['a', 'b', 'c']) await api.operator('POST', 'rules', { ...NEW_RULE, name });
    const seen: string[] = [];
    let token = '';
    do {
      const page = await api.operator('GET', `rules?page_size=4&page_token=${token}`);
      assert.equal(page.status, 200);
      seen.push(...names(page));
      token = page.json['next_page_token'];
    } while (token !== '');
    assert.equal(new Set(seen).size, DEFAULT_RULES.length + 3);
    assert.equal(seen.length, DEFAULT_RULES.length + 3);
    const unknown = await api.operator('GET', 'rules?pagesize=4');
    assert.equal(unknown.status, 400);
    assert.match(unknown.json['message'], /^pagesize: .*did you mean page_size/);
  });
});

describe('a rule that ships with Drover', () => {
  it('can be changed, and is as it ships again once it is removed', async () => {
    await using api = await openApi({ defaults: DEFAULT_RULES });
    const off = await api.operator('PATCH', 'rules/cpu-usage', { enabled: false });
    assert.equal(off.json['source'], 'default');
    assert.equal(off.json['overridden'], true);
    assert.deepEqual(off.json['health'], { status: 'disabled', series: 0, error: null });
    const changed = await api.operator('PATCH', 'rules/cpu-usage', { enabled: true, value: 80 });
    assert.equal(changed.json['value'], 80);
    assert.equal((await api.operator('DELETE', 'rules/cpu-usage')).status, 204);
    const shipped = await api.operator('GET', 'rules/cpu-usage');
    assert.equal(shipped.json['value'], 90);
    assert.equal(shipped.json['overridden'], false);
    const refused = await api.operator('DELETE', 'rules/cpu-usage');
    assert.equal(refused.status, 412);
    assert.match(refused.json['message'], /disable it/);
    const renamed = await api.operator('PATCH', 'rules/cpu-usage', { name: 'mine' });
    assert.equal(renamed.status, 412);
  });

  it('keeps its changes over a restart', async () => {
    await using api = await openApi({ defaults: DEFAULT_RULES });
    await api.operator('PATCH', 'rules/swap-usage', { value: 55, severity: 'info' });
    const { url } = api.world.stores;
    await using again = await openApi({ defaults: DEFAULT_RULES, url });
    assert.equal((await again.operator('GET', 'rules/swap-usage')).json['value'], 55);
  });
});

describe('a rule of the config file', () => {
  it('is shown and cannot be changed', async () => {
    const configRules = [warmRule({ name: 'warm' }), warmRule({ name: 'cpu-usage' })];
    await using api = await openApi({ defaults: DEFAULT_RULES, configRules });
    for (const [name, isOverridden] of [
      ['warm', false],
      ['cpu-usage', true],
    ] as const) {
      const shown = await api.operator('GET', `rules/${name}`);
      assert.equal(shown.json['source'], 'config');
      assert.equal(shown.json['overridden'], isOverridden);
      for (const method of ['PUT', 'PATCH', 'DELETE'] as const) {
        const body = method === 'PUT' ? { ...NEW_RULE, name } : {};
        const answer = await api.operator(method, `rules/${name}`, body);
        assert.equal(answer.status, 412);
        assert.match(answer.json['message'], /lives in the config file/);
      }
      assert.equal((await api.operator('POST', 'rules', { ...NEW_RULE, name })).status, 409);
    }
  });
});

describe('GET /api/v1/alerts', () => {
  it('shows what is pending and what fires, of one’s own rules', async () => {
    await using api = await openApi({ configRules: [warmRule({ severity: 'info' })] });
    await api.ada('POST', 'rules', { ...NEW_RULE, labels: { team: 'x' } });
    await api.world.tick({ 'machine_id=vm_1,customer_id=ada': 45, 'room=a': 31 });
    const adas = await api.ada('GET', 'alerts');
    assert.deepEqual(adas.json, {
      alerts: [
        {
          rule_id: (await api.ada('GET', 'rules/hot')).json['id'],
          rule_name: 'hot',
          customer_id: 'ada',
          state: 'pending',
          severity: 'warning',
          subject: TEMPERATURE.name,
          comparison: '>',
          threshold: 40,
          value: 45,
          since: '2026-01-01T00:00:01.000Z',
          labels: { team: 'x', customer_id: 'ada', machine_id: 'vm_1' },
          description: '',
          silenced_until: null,
        },
      ],
      next_page_token: '',
      total_count: 1,
    });
    assert.deepEqual((await api.bob('GET', 'alerts')).json['alerts'], []);
    const count = async (query: string) => (await api.operator('GET', `alerts${query}`)).json;
    assert.equal((await count(''))['total_count'], 3);
    assert.equal((await count('?state=firing'))['total_count'], 2);
    assert.equal((await count('?severity=warning'))['total_count'], 1);
    assert.equal((await count('?rule=warm&state=pending'))['total_count'], 0);
    const page = await count('?page_size=2');
    const token: string = page['next_page_token'];
    assert.equal((await count(`?page_size=2&page_token=${token}`))['next_page_token'], '');
    const bad = await api.operator('GET', 'alerts?state=fired');
    assert.equal(bad.status, 400);
    assert.match(bad.json['message'], /^state: must be one of pending, firing/);
    assert.equal((await api.operator('GET', 'alerts?rule=nothing')).status, 404);
  });
});

describe('/api/v1/silences', () => {
  it('shows with an alert how long nobody is told of it', async () => {
    await using api = await openApi({ configRules: [warmRule()] });
    const made = await api.operator('POST', 'silences', { match: ['room="a"'], until: '1h' });
    assert.equal(made.status, 201);
    assert.deepEqual((await api.operator('GET', 'silences')).json, { silences: [made.json] });
    await api.world.tick({ 'room=a': 31 });
    const alerts = async () => (await api.operator('GET', 'alerts')).json['alerts'];
    assert.equal((await alerts())[0].silenced_until, made.json['until']);
    assert.deepEqual(await api.world.told(), []);
    const path = `silences/${made.json['id']}`;
    assert.equal((await api.operator('DELETE', path)).status, 204);
    assert.equal((await alerts())[0].silenced_until, null);
    assert.equal((await api.operator('DELETE', path)).status, 404);
  });

  it('is for operators, and says what is wrong', async () => {
    await using api = await openApi();
    const body = { match: ['room="a"'], until: '1h' };
    assert.equal((await api.ada('POST', 'silences', body)).status, 403);
    assert.equal((await api.ada('GET', 'silences')).status, 403);
    const bad = await api.operator('POST', 'silences', { ...body, until: 'tomorrow' });
    assert.equal(bad.status, 400);
    assert.match(bad.json['message'], /until: must be a time to come/);
  });
});
