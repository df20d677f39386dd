/** Ids that callers choose, and how much they may have. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CUSTOMER,
  OPERATOR,
  OTHER_CUSTOMER,
  ask,
  call,
  callMachines,
  createVm,
  smallConfig,
} from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

describe('vm_id', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it('is honoured when it is given', async () => {
    for (const vmId of ['a', '0', 'vm_1234567890', 'Web-1_b', 'x'.repeat(64)]) {
      assert.equal(await createVm(server, { vm_id: vmId }), vmId);
      assert.equal((await ask(server, 'GetVmInfo', { vm_id: vmId })).vm_id, vmId);
    }
  });

  it('that is taken is refused, whoever has it, in the same words', async () => {
    await createVm(server, { vm_id: 'taken' });
    const request = { vm_id: 'taken', config: smallConfig() };
    const own = await call(server, 'CreateVm', request);
    const theirs = await call(server, 'CreateVm', request, OTHER_CUSTOMER);
    assert.equal(own.status, 409);
    assert.equal(own.json.code, 'already_exists');
    assert.equal(own.text, theirs.text);
  });

  it('goes to one of several that ask for it at once', async () => {
    const request = { vm_id: 'race', config: smallConfig() };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call(server, 'CreateVm', request)),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status }) => status === 409).length, 7);
  });

  it('can be used again when its machine is deleted', async () => {
    await createVm(server, { vm_id: 'again' });
    await ask(server, 'DeleteVm', { vm_id: 'again' });
    const config = smallConfig({ cpu: { vcpu_count: 7 } });
    await createVm(server, { vm_id: 'again', token: OTHER_CUSTOMER, config });
    const info = await ask(server, 'GetVmInfo', { vm_id: 'again' }, OTHER_CUSTOMER);
    assert.equal(info.config.cpu.vcpu_count, 7);
    assert.equal((await call(server, 'GetVmInfo', { vm_id: 'again' })).status, 404);
  });

  it('of twenty created at once is different each time when it is left out', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => createVm(server)));
    assert.equal(new Set(ids).size, 20);
  });
});

describe('quotas', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  const setQuota = async (limits: object, customer = '123') =>
    await callMachines(server, 'SetQuota', { customer_id: customer, limits }, OPERATOR);

  it('are none until an operator sets them', async () => {
    const { json } = await callMachines(server, 'GetQuota');
    const use = { machines: 0, vcpus: 0, memory_bytes: 0 };
    assert.deepEqual(json, { customer_id: '123', limits: {}, use });
  });

  it('are told as they were set, with what is used of them', async () => {
    const limits = { max_machines: 2, max_vcpus: '8', max_memory_bytes: 1073741824 };
    const set = await setQuota(limits);
    assert.equal(set.status, 200, set.text);
    assert.deepEqual(set.json.limits, { ...limits, max_vcpus: 8 });
    const vmId = await createVm(server, { config: smallConfig({ cpu: { vcpu_count: 2 } }) });
    const { json } = await callMachines(server, 'GetQuota');
    assert.deepEqual(json.use, { machines: 1, vcpus: 2, memory_bytes: 134217728 });
    assert.deepEqual(
      json,
      (await callMachines(server, 'GetQuota', { customer_id: '123' }, OPERATOR)).json,
    );
    await ask(server, 'DeleteVm', { vm_id: vmId });
    assert.equal((await callMachines(server, 'GetQuota')).json.use.machines, 0);
  });

  it('refuse what goes past them, naming the limit and the use', async () => {
    const rows = [
      [{ max_machines: 1 }, 'machines', '1', '1', '1'],
      [{ max_vcpus: 3 }, 'vcpus', '3', '2', '2'],
      [{ max_memory_bytes: 200 * 1048576 }, 'memory', '200', '128', '128'],
    ] as const;
    const config = smallConfig({ cpu: { vcpu_count: 2 } });
    for (const [limits, resource, limit, used, requested] of rows) {
      await setQuota(limits);
      const vmId = await createVm(server, { config });
      const answer = await call(server, 'CreateVm', { config });
      assert.equal(answer.status, 429);
      assert.equal(answer.json.code, 'resource_exhausted');
      const [{ reason, metadata }] = answer.json.details;
      assert.equal(reason, 'QUOTA_EXCEEDED');
      assert.deepEqual(metadata, { resource, limit, used, requested });
      assert.match(answer.json.message, new RegExp(`${limit}.*${used}`));
      await ask(server, 'DeleteVm', { vm_id: vmId });
    }
  });

  it('hold when many ask at once', async () => {
    await setQuota({ max_machines: 3 });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => call(server, 'CreateVm', { config: smallConfig() })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 3);
    assert.equal(answers.filter(({ status }) => status === 429).length, 7);
    for (const { status, json } of answers) {
      if (status === 200) await ask(server, 'DeleteVm', { vm_id: json.vm_id });
    }
  });

  it('of one customer say nothing about another', async () => {
    await setQuota({ max_machines: 0 });
    assert.equal((await call(server, 'CreateVm', { config: smallConfig() })).status, 429);
    await createVm(server, { token: OTHER_CUSTOMER });
    await setQuota({});
    await createVm(server);
  });

  it('can be set by nobody but operators, and not to nonsense', async () => {
    const own = { customer_id: '123', limits: {} };
    const refused = await callMachines(server, 'SetQuota', own, CUSTOMER);
    assert.equal(refused.status, 403);
    assert.equal(refused.json.details[0].reason, 'OPERATOR_REQUIRED');
    const rows = [
      ['limits', { customer_id: '123' }],
      ['limits.max_machines', { customer_id: '123', limits: { max_machines: -1 } }],
      ['limits.max_vcpus', { customer_id: '123', limits: { max_vcpus: 1.5 } }],
      ['customer_id', { limits: {} }],
      ['customer_id', { customer_id: 'a b', limits: {} }],
    ] as const;
    for (const [field, body] of rows) {
      const answer = await callMachines(server, 'SetQuota', body, OPERATOR);
      assert.equal(answer.status, 400, answer.text);
      assert.ok(answer.json.message.startsWith(`${field}: `), answer.json.message);
    }
  });
});

describe('the capacity of the host', () => {
  it('refuses what could never fit, and a boot that does not fit now', async () => {
    await using server = await openTestServer({
      config: {
        capacity: { vcpusPerCore: 10_000, memory: { kind: 'size', bytes: 256 * 1048576 } },
      },
    });
    const big = smallConfig({ memory: { size_bytes: 512 * 1048576 } });
    const never = await call(server, 'CreateVm', { config: big });
    assert.equal(never.status, 429);
    assert.equal(never.json.details[0].reason, 'HOST_CAPACITY_EXCEEDED');
    const ids = await Promise.all([createVm(server), createVm(server), createVm(server)]);
    const boots = await Promise.all(ids.map((id) => call(server, 'BootVm', { vm_id: id })));
    assert.equal(boots.filter(({ status }) => status === 200).length, 2);
    const refused = boots.find(({ status }) => status === 429);
    assert.equal(refused?.json.details[0].metadata.resource, 'memory');
  });
});
