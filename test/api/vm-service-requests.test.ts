/** Requests other than configurations: refused by name, malformed, or written in other ways. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CUSTOMER, VM_SERVICE, ask, call, get, post, smallConfig } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const ROOT = { device_id: 'rootfs', path_on_host: '/assets/rootfs.ext4', is_root_device: true };
const NIC = { interface_id: 'eth0', type: 'TAP' };
const MIB = 1048576;

describe('the other requests', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it('are refused by the field that is wrong', async () => {
    const rows = [
      ['GetVmInfo', 'vm_id', {}],
      ['GetVmInfo', 'vm_id', { vm_id: '../x' }],
      ['BootVm', 'vm_id', { vm_id: '' }],
      ['BootVm', 'force', { vm_id: 'a', force: true }],
      ['ShutdownVm', 'timeout_seconds', { vm_id: 'a', timeout_seconds: -1 }],
      ['ShutdownVm', 'timeout_seconds', { vm_id: 'a', timeout_seconds: 3601 }],
      ['ShutdownVm', 'force', { vm_id: 'a', force: 'yes' }],
      ['ListVms', 'page_size', { page_size: -1 }],
      ['ListVms', 'page_size', { page_size: 1001 }],
      ['ListVms', 'page_token', { page_token: 'nonsense!' }],
      ['ListVms', 'state_filter[1]', { state_filter: ['VM_STATE_RUNNING', 'RUNNING'] }],
      ['ListVms', 'state_filter[0]', { state_filter: ['VM_STATE_UNSPECIFIED'] }],
      ['ListVms', 'state_filter', { state_filter: 'VM_STATE_RUNNING' }],
    ] as const;
    for (const [method, field, body] of rows) {
      const answer = await call(server, method, body);
      assert.equal(answer.status, 400, `${method} ${answer.text}`);
      assert.ok(answer.json.message.startsWith(`${field}: `), answer.json.message);
    }
  });

  it('over REST are refused by the parameter that is wrong', async () => {
    const rows = [
      ['/v1/vms?page_size=1001', 'page_size'],
      ['/v1/vms?page_size=ten', 'page_size'],
      ['/v1/vms?page_size=1&page_size=2', 'page_size'],
      ['/v1/vms?state=off', 'state'],
      ['/v1/vms?page_token=x', 'page_token'],
      ['/v1/vms?stat=running', 'stat'],
      ['/v1/vms/a.b', 'id'],
      [`/v1/vms/${'x'.repeat(65)}`, 'id'],
      ['/v1/vms/%00', 'id'],
    ] as const;
    for (const [path, field] of rows) {
      const answer = await get(server, path, { token: CUSTOMER });
      assert.equal(answer.status, 400, `${path} ${answer.text}`);
      assert.ok(answer.json.message.startsWith(`${field}: `), answer.json.message);
    }
  });
});

describe('bodies that are no requests', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  const nested = (depth: number) => `${'{"config":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const rows: readonly (readonly [what: string, status: number, body: string])[] = [
    ['nothing', 400, ''],
    ['no JSON', 400, '{"vm_id"'],
    ['a list', 400, '[]'],
    ['null', 400, 'null'],
    ['a number', 400, '1e999'],
    ['NaN', 400, '{"vm_id": NaN}'],
    ['half of a surrogate pair', 400, '{"vm_id":"\\ud800"}'],
    ['100 000 levels of objects', 400, nested(100_000)],
    ['100 000 levels of lists', 400, '['.repeat(100_000)],
    ['a known field 1000 levels deep', 400, nested(1000)],
    ['5 MB in one field', 429, JSON.stringify({ vm_id: 'x'.repeat(5 * MIB) })],
    ['5 MB of spaces', 429, ' '.repeat(5 * MIB)],
    [
      '2 MB of metadata',
      400,
      JSON.stringify({ config: smallConfig({ metadata: { k: 'x'.repeat(2 * MIB) } }) }),
    ],
    [
      '100 000 disks',
      400,
      JSON.stringify({ config: smallConfig({ storage: Array(100_000).fill({ id: 'a' }) }) }),
    ],
  ];
  for (const [what, status, body] of rows) {
    it(`answers ${status} to ${what}`, async () => {
      const answer = await post(server, `/${VM_SERVICE}/CreateVm`, { body, token: CUSTOMER });
      assert.equal(answer.status, status, answer.text.slice(0, 500));
      assert.ok(answer.json.message.length < 1000);
    });
  }

  it('answers 415 to a content type that nobody speaks', async () => {
    const headers = { 'content-type': 'text/xml' };
    const body = '<vm/>';
    const answer = await post(server, `/${VM_SERVICE}/CreateVm`, {
      body,
      headers,
      token: CUSTOMER,
    });
    assert.equal(answer.status, 415);
  });

  it('answers 400 to bytes that are no message, in every binary form', async () => {
    for (const type of ['application/proto', 'application/json']) {
      const response = await fetch(`${server.url}/${VM_SERVICE}/CreateVm`, {
        method: 'POST',
        headers: { 'content-type': type, authorization: `Bearer ${CUSTOMER}` },
        body: new Uint8Array([255, 254, 0, 7, 7, 7]),
      });
      assert.equal(response.status, 400, await response.text());
    }
  });
});

describe('a request may be written', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it('in lowerCamelCase, with 64-bit numbers as strings', async () => {
    const created = await ask(server, 'CreateVm', {
      vmId: 'camel',
      customerId: '123',
      config: {
        cpu: { vcpuCount: 2, maxVcpuCount: '4' },
        memory: { sizeBytes: '268435456' },
        boot: { kernelPath: '/assets/vmlinux-5.10', kernelArgs: 'quiet' },
        storage: [{ id: 'rootfs', path: '/assets/rootfs.ext4', isRootDevice: true }],
        network: [{ id: 'eth0', rxRateLimit: { bandwidth: '1000000', refillTime: '50' } }],
      },
    });
    assert.equal(created.vm_id, 'camel');
    const { config } = await ask(server, 'GetVmInfo', { vmId: 'camel' });
    assert.equal(config.memory.size_bytes, 268435456);
    assert.equal(config.cpu.max_vcpu_count, 4);
    assert.equal(config.network[0].rx_rate_limit.refill_time, 50);
    assert.equal(config.network[0].rate_limit, undefined);
    const page = await ask(server, 'ListVms', { stateFilter: ['VM_STATE_CREATED'], pageSize: 1 });
    assert.equal(page.vms[0].vm_id, 'camel');
  });

  it('with both names of a field, when they agree', async () => {
    const config = smallConfig({
      storage: [
        { ...ROOT, id: 'rootfs', path: ROOT.path_on_host, read_only: true, is_read_only: true },
      ],
      network: [{ ...NIC, id: 'eth0', interface_type: 'TAP' }],
    });
    const { vm_id: id } = await ask(server, 'CreateVm', { config });
    const told = await ask(server, 'GetVmInfo', { vm_id: id });
    assert.equal(told.config.storage[0].is_read_only, true);
  });

  it('but not with one field in both spellings', async () => {
    const answer = await call(server, 'GetVmInfo', { vm_id: 'a', vmId: 'a' });
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /^vmId: given a second time as vm_id/);
  });

  it('with text in any script where text is free', async () => {
    const metadata = { name: 'máquina 机器 🚜', note: 'tab\tand\u0000nul' };
    const { vm_id: id } = await ask(server, 'CreateVm', { config: smallConfig({ metadata }) });
    const info = await ask(server, 'GetVmInfo', { vm_id: id });
    assert.deepEqual(info.config.metadata, metadata);
  });
});
