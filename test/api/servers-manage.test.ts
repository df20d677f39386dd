/** Servers that are added while running, over HTTP, and seen by the fleet. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { get, OPERATOR, post } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { openServer, type LoopbackServer } from '#test/loopback-server.ts';
import { until } from '#test/until.ts';

const SERVERS = '/api/v1/servers';
const SECRET = 'hunter2';
const METRICS = 'node_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 25\n';

let drover: TestServer;
let exporter: LoopbackServer;
const authorizations = new Set<string | undefined>();

before(async () => {
  exporter = await openServer(({ headers }, response) => {
    authorizations.add(headers.authorization);
    response.end(METRICS);
  });
  drover = await openTestServer();
});
after(async () => {
  await drover[Symbol.asyncDispose]();
  await exporter[Symbol.asyncDispose]();
});

async function call(method: string, path: string, body?: object) {
  const response = await fetch(new URL(path, drover.url), {
    method,
    headers: {
      authorization: `Bearer ${OPERATOR}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: text === '' ? undefined : JSON.parse(text) };
}

describe('/api/v1/servers', () => {
  it('has this host where nothing is configured, and lets nobody change it', async () => {
    const { json } = await call('GET', SERVERS);
    assert.equal(json.servers.length, 1);
    const [{ id, origin, roles, sources }] = json.servers;
    assert.deepEqual([origin, roles], ['builtin', ['ai', 'app', 'storage']]);
    assert.deepEqual(sources, [{ kind: 'local' }]);
    const { status, json: refused } = await call('DELETE', `${SERVERS}/${id}`);
    assert.equal(status, 412);
    assert.match(refused.message, /is shown because there are no other servers/);
  });

  it('wants an operator, and a token in any case', async () => {
    assert.equal((await get(drover, SERVERS)).status, 401);
    const customer = 'dev_customer_1';
    assert.equal((await get(drover, SERVERS, { token: customer })).status, 403);
    assert.equal((await post(drover, SERVERS, { token: customer })).status, 403);
  });

  it('adds a server, tests it, and the fleet shows how it is', async () => {
    const source = { kind: 'exporter', url: exporter.url, secret: SECRET };
    const local = { kind: 'local' };
    const body = { id: 'web-1', name: 'Web é', roles: ['app'], sources: [source, local] };
    const created = await call('POST', SERVERS, body);
    assert.equal(created.status, 201, created.text);
    const { json: tested } = await call('POST', `${SERVERS}/web-1/test`);
    assert.equal(tested.works, true);
    assert.deepEqual(tested.sources[0].tells, ['memory']);
    const seen = await until(async () => {
      const { json } = await call('GET', '/api/servers/web-1');
      return json.memory.usage_percent === null ? undefined : json;
    }, 'the first answer');
    assert.equal(seen.memory.usage_percent, 75);
    assert.deepEqual([...authorizations], [`Bearer ${SECRET}`]);
    const { json: one } = await call('GET', `${SERVERS}/web-1`);
    assert.doesNotMatch(JSON.stringify([created.json, tested, seen, one]), /hunter2/);
    assert.deepEqual(one, created.json);
  });

  it('takes its own answer back, and changes what is said', async () => {
    const { json: now } = await call('GET', `${SERVERS}/web-1`);
    const changed = await call('PUT', `${SERVERS}/web-1`, { ...now, roles: ['storage'] });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual(changed.json, {
      ...{ ...now, roles: ['storage'], updated_at: changed.json.updated_at },
    });
    await call('POST', `${SERVERS}/web-1/test`);
    assert.deepEqual([...authorizations], [`Bearer ${SECRET}`]);
  });

  it('says which field is wrong', async () => {
    const { status, json } = await call('POST', SERVERS, {
      id: 'x',
      sources: [{ kind: 'exprter' }],
    });
    assert.equal(status, 400);
    assert.match(json.message, /sources\[0\]\.kind: must be one of/);
    assert.equal((await call('PUT', `${SERVERS}/none`, {})).status, 404);
  });

  it('removes it, and this host is shown again', async () => {
    assert.equal((await call('DELETE', `${SERVERS}/web-1`)).status, 204);
    assert.equal((await call('GET', '/api/servers/web-1')).status, 404);
    const { json } = await call('GET', '/api/servers');
    assert.equal(json.servers[0].origin, 'builtin');
  });
});
