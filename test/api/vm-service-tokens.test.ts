/** Who may ask: no token, a bad one, one that may only read. Over each protocol in its own form. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import { TokenService } from '#access/token-service.ts';
import { systemClock } from '#kernel/clock.ts';
import {
  CUSTOMER,
  MACHINES,
  VM_SERVICE,
  ask,
  call,
  callMachines,
  createVm,
  get,
  post,
  smallConfig,
} from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const BAD_TOKENS = [
  undefined,
  'nonsense-from-nowhere',
  'dev_administrator_1',
  'drover_0123456789',
  'a.b.c',
  'x'.repeat(10_000),
];

describe('a caller whom nobody knows', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it('gets 401 and the documented body over Connect and REST', async () => {
    for (const token of BAD_TOKENS) {
      const answers = [
        await post(server, `/${VM_SERVICE}/ListVms`, { token }),
        await post(server, `/metal.${VM_SERVICE}/CreateVm`, { token }),
        await post(server, `/${MACHINES}/GetQuota`, { token }),
        await get(server, '/v1/vms', { token }),
        await get(server, '/v1/vms/a', { token }),
      ];
      for (const { status, json, headers } of answers) {
        assert.equal(status, 401);
        assert.equal(json.code, 'unauthenticated');
        const [info] = json.details;
        assert.equal(info.reason, token === undefined ? 'MISSING_TOKEN' : 'INVALID_TOKEN');
        assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
        if (token !== undefined) assert.ok(!json.message.includes(token.slice(0, 12)));
      }
    }
  });

  it('gets it without its body being read', async () => {
    const body = 'x'.repeat(10_000_000);
    const answer = await post(server, `/${VM_SERVICE}/CreateVm`, { body });
    assert.equal(answer.status, 401);
  });

  it('gets grpc-status 16 in the trailers of gRPC-Web', async () => {
    const response = await fetch(`${server.url}/${VM_SERVICE}/ListVms`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+proto' },
      body: new Uint8Array(encodeEnvelope(0, new Uint8Array())),
    });
    assert.equal(response.status, 200);
    const said = response.headers.get('grpc-status') ?? (await response.text());
    assert.match(said, /^16$|grpc-status: 16/);
  });

  it('gets the error in the last message of a Connect stream', async () => {
    const response = await fetch(`${server.url}/${MACHINES}/Watch`, {
      method: 'POST',
      headers: { 'content-type': 'application/connect+json' },
      body: new Uint8Array(encodeEnvelope(0, Buffer.from('{}'))),
    });
    assert.equal(response.status, 200);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(bytes[0], 2);
    assert.equal(JSON.parse(bytes.subarray(5).toString()).error.code, 'unauthenticated');
  });

  it('may still ask for health and the descriptions', async () => {
    for (const path of ['/health', '/api/v1/health/status', '/openapi.json', '/proto']) {
      for (const token of BAD_TOKENS)
        assert.equal((await get(server, path, { token })).status, 200);
    }
  });
});

describe('a development token', () => {
  it('may say customer or user, and any case of Bearer', async () => {
    await using server = await openTestServer();
    const vmId = await createVm(server);
    const info = await ask(server, 'GetVmInfo', { vm_id: vmId }, 'dev_user_123');
    assert.equal(info.customer_id, '123');
    for (const bad of ['dev_customer_', 'dev_customer_a/b', 'dev_user', 'dev_operator_x']) {
      assert.equal((await call(server, 'ListVms', {}, bad)).status, 401);
    }
    const headers = { authorization: `bearer  ${CUSTOMER}` };
    assert.equal((await get(server, '/v1/vms', { headers })).status, 200);
  });
});

describe('a token that may only read', () => {
  let server: TestServer;
  let token: string;
  before(async () => {
    server = await openTestServer();
    const { tokens: store } = server.server.context.stores;
    const tokens = new TokenService({ store, clock: systemClock });
    const wanted = { name: 'dashboard', customerId: '123', scope: 'read-only' } as const;
    ({ secret: token } = await tokens.createToken(wanted));
  });
  after(() => server[Symbol.asyncDispose]());

  it('reads what is its customer’s', async () => {
    const vmId = await createVm(server);
    assert.equal((await ask(server, 'GetVmInfo', { vm_id: vmId }, token)).vm_id, vmId);
    assert.equal((await ask(server, 'ListVms', {}, token)).total_count, 1);
    assert.equal((await callMachines(server, 'GetQuota', {}, token)).status, 200);
    assert.equal((await get(server, '/v1/vms', { token })).status, 200);
  });

  it('changes nothing, whether what it names exists or not', async () => {
    const vmId = await createVm(server);
    const commands = ['BootVm', 'PauseVm', 'ResumeVm', 'ShutdownVm', 'RebootVm', 'DeleteVm'];
    for (const method of commands) {
      for (const id of [vmId, 'ghost']) {
        const answer = await call(server, method, { vm_id: id }, token);
        assert.equal(answer.status, 403, `${method} ${answer.text}`);
        assert.equal(answer.json.details[0].reason, 'READ_ONLY_TOKEN');
      }
    }
    const created = await call(server, 'CreateVm', { config: smallConfig() }, token);
    assert.equal(created.status, 403);
    const limits = { customer_id: '123', limits: {} };
    assert.equal((await callMachines(server, 'SetQuota', limits, token)).status, 403);
    assert.equal((await ask(server, 'GetVmInfo', { vm_id: vmId })).state, 'VM_STATE_CREATED');
  });
});
