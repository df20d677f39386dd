/** The API document, example by example. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  CUSTOMER,
  OPERATOR,
  VM_SERVICE,
  ask,
  call,
  createVm,
  documentedCreateVm,
  get,
  post,
  smallConfig,
} from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

describe('the documented calls', () => {
  let server: TestServer;
  let vmId: string;
  before(async () => {
    server = await openTestServer();
  });
  beforeEach(async () => {
    vmId = await createVm(server);
  });
  after(() => server[Symbol.asyncDispose]());

  it('CreateVm takes the documented request as it stands', async () => {
    const answer = await call(server, 'CreateVm', documentedCreateVm());
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(answer.text, '{"vm_id":"string","state":"VM_STATE_CREATED"}');
  });

  it('CreateVm makes an id of the documented form when none is given', async () => {
    assert.match(vmId, /^vm_[0-9a-f]{16}$/);
  });

  it('BootVm, PauseVm, ResumeVm and RebootVm answer success and the state', async () => {
    const steps = [
      ['BootVm', {}, 'VM_STATE_RUNNING'],
      ['PauseVm', {}, 'VM_STATE_PAUSED'],
      ['ResumeVm', {}, 'VM_STATE_RUNNING'],
      ['RebootVm', { force: false }, 'VM_STATE_RUNNING'],
      ['ShutdownVm', { force: false, timeout_seconds: 30 }, 'VM_STATE_SHUTDOWN'],
    ] as const;
    for (const [method, more, state] of steps) {
      const answer = await call(server, method, { vm_id: vmId, ...more });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.success, true, method);
      assert.equal(answer.json.state, state, method);
    }
  });

  it('ShutdownVm and RebootVm say which way the guest went down', async () => {
    await ask(server, 'BootVm', { vm_id: vmId });
    assert.equal((await ask(server, 'RebootVm', { vm_id: vmId })).outcome, 'guest');
    const asked = await ask(server, 'ShutdownVm', { vm_id: vmId });
    assert.equal(asked.outcome, 'guest');
    assert.equal((await ask(server, 'ShutdownVm', { vm_id: vmId })).outcome, 'already');
    await ask(server, 'BootVm', { vm_id: vmId });
    const forced = await ask(server, 'ShutdownVm', { vm_id: vmId, force: true });
    assert.equal(forced.outcome, 'killed');
  });

  it('DeleteVm answers success, and needs force for a running machine', async () => {
    await ask(server, 'BootVm', { vm_id: vmId });
    const refused = await call(server, 'DeleteVm', { vm_id: vmId, force: false });
    assert.equal(refused.status, 412);
    assert.equal(refused.json.code, 'failed_precondition');
    assert.match(refused.json.message, /force=true/);
    const deleted = await call(server, 'DeleteVm', { vm_id: vmId, force: true });
    assert.equal(deleted.text, '{"success":true}');
    assert.equal((await call(server, 'DeleteVm', { vm_id: vmId })).status, 404);
  });

  it('GetVmInfo answers every documented field, numbers as numbers', async () => {
    const { vm_id: id } = await ask(server, 'CreateVm', { ...documentedCreateVm(), vm_id: 'told' });
    await ask(server, 'BootVm', { vm_id: id });
    const info = await ask(server, 'GetVmInfo', { vm_id: id }, OPERATOR);
    assert.equal(info.vm_id, 'told');
    assert.equal(info.state, 'VM_STATE_RUNNING');
    const { config, metrics, backend_info: backend, network_info: network } = info;
    assert.deepEqual(config.memory, {
      size_bytes: 1073741824,
      hotplug_enabled: false,
      max_size_bytes: 0,
      backing: {},
    });
    for (const name of ['cpu_time_nanos', 'memory_usage_bytes', 'disk_read_bytes'] as const) {
      assert.equal(typeof metrics[name], 'number', name);
    }
    for (const name of ['disk_write_bytes', 'network_rx_bytes', 'network_tx_bytes'] as const) {
      assert.equal(typeof metrics[name], 'number', name);
    }
    assert.deepEqual(backend, {
      backend_type: 'fake',
      process_id: String(server.host.nextPid - 1),
      socket_path: 'fake:told',
    });
    assert.match(network.interfaces[0].guest_mac, /^02(:[0-9a-f]{2}){5}$/);
    assert.deepEqual(Object.keys(network.interfaces[0]), [
      'interface_id',
      'tap_device',
      'guest_mac',
      'host_device_name',
    ]);
    assert.equal(network.namespace, '');
  });

  it('answers both names of every field of the configuration', async () => {
    const { vm_id: id } = await ask(server, 'CreateVm', { ...documentedCreateVm(), vm_id: 'both' });
    const { config } = await ask(server, 'GetVmInfo', { vm_id: id });
    const [disk] = config.storage;
    assert.deepEqual([disk.id, disk.device_id], ['rootfs', 'rootfs']);
    assert.deepEqual([disk.path, disk.path_on_host], ['/assets/rootfs.ext4', disk.path]);
    assert.deepEqual([disk.read_only, disk.is_read_only], [false, false]);
    const [nic] = config.network;
    assert.deepEqual([nic.id, nic.interface_id], ['eth0', 'eth0']);
    assert.deepEqual([nic.mac_address, nic.guest_mac], ['auto', 'auto']);
    assert.deepEqual([nic.interface_type, nic.type], ['TAP', 'TAP']);
    const older = { bandwidth: 104857600, burst: 1048576, refill_time: 100 };
    assert.deepEqual([nic.rx_rate_limit, nic.tx_rate_limit], [older, older]);
    assert.equal(nic.rate_limit.bandwidth_bytes_per_second, 104857600);
    const { console } = config;
    assert.deepEqual([console.console_type, console.type], ['VIRTIO_CONSOLE', 'VIRTIO_CONSOLE']);
    assert.deepEqual([console.output, console.output_file], Array(2).fill('/tmp/vm-console.log'));
    assert.equal(config.cpu.cpu_template, 'T2');
    assert.deepEqual(config.metadata, { name: 'my-vm', project: 'test' });
  });

  it('takes what it answered as the configuration of a new machine', async () => {
    const { vm_id: id } = await ask(server, 'CreateVm', {
      ...documentedCreateVm(),
      vm_id: 'first',
    });
    const { config } = await ask(server, 'GetVmInfo', { vm_id: id });
    const copy = await ask(server, 'CreateVm', { config });
    const again = await ask(server, 'GetVmInfo', { vm_id: copy.vm_id });
    assert.deepEqual(again.config, config);
  });

  it('tells metrics as null and the other documented fields while a machine is off', async () => {
    const info = await ask(server, 'GetVmInfo', { vm_id: vmId });
    assert.equal(info.metrics, null);
    assert.deepEqual(Object.keys(info.backend_info), ['backend_type', 'process_id', 'socket_path']);
    assert.deepEqual(info.network_info.interfaces, []);
  });

  it('ListVms answers the documented page', async () => {
    const request = { state_filter: ['VM_STATE_CREATED'], page_size: 50, page_token: '' };
    const page = await ask(server, 'ListVms', request);
    assert.equal(typeof page.total_count, 'number');
    assert.equal(typeof page.next_page_token, 'string');
    const row = page.vms.find((vm: { vm_id: string }) => vm.vm_id === vmId);
    assert.equal(row.state, 'VM_STATE_CREATED');
    assert.match(row.created_at, RFC_3339);
    assert.equal(row.config.cpu.vcpu_count, 1);
    assert.equal(row.memory_size_bytes, 134217728);
    assert.equal(row.created_timestamp, Math.floor(Date.parse(row.created_at) / 1000));
    assert.equal(row.customer_id, '123');
  });

  it('answers the documented curl for the list, and one machine by its path', async () => {
    const list = await get(server, '/v1/vms', { token: CUSTOMER });
    assert.equal(list.status, 200);
    const page = await ask(server, 'ListVms');
    assert.deepEqual(list.json, page);
    const one = await get(server, `/v1/vms/${vmId}`, { token: CUSTOMER });
    assert.deepEqual(one.json, await ask(server, 'GetVmInfo', { vm_id: vmId }));
  });

  it('takes both documented forms of addresses', async () => {
    const ends = [
      {
        host_ipv4: { address: '192.168.1.1', prefix_length: 24, gateway: '192.168.1.254' },
        guest_ipv4: { address: '192.168.1.100', prefix_length: 24 },
      },
      {
        host_ipv6: { address: '2001:db8:1::1', prefix_length: 64, gateway: '2001:db8:1::ffff' },
        guest_ipv6: { address: '2001:db8:1::100', prefix_length: 64 },
      },
    ];
    const network = ends.map((end, at) => ({
      interface_id: `eth${at}`,
      type: 'TAP',
      guest_mac: 'auto',
      ...end,
    }));
    const { vm_id: id } = await ask(server, 'CreateVm', { config: smallConfig({ network }) });
    const { config } = await ask(server, 'GetVmInfo', { vm_id: id });
    assert.equal(config.network[0].ipv4_config.address, '192.168.1.100');
    assert.equal(config.network[0].ipv4_config.netmask, '255.255.255.0');
    assert.equal(config.network[0].ipv4_config.gateway, '192.168.1.1');
    assert.equal(config.network[1].ipv6_config.prefix_length, 64);
    assert.equal(config.network[1].ipv6_config.gateway, '2001:db8:1::1');
  });

  it('is served under its later package name too', async () => {
    const path = `/metal.${VM_SERVICE}/GetVmInfo`;
    const answer = await post(server, path, { body: { vm_id: vmId }, token: CUSTOMER });
    assert.deepEqual(answer.json, await ask(server, 'GetVmInfo', { vm_id: vmId }));
  });
});

describe('the documented errors', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it('have the documented body', async () => {
    const answer = await call(server, 'BootVm', { vm_id: 'vm_1234567890' });
    assert.equal(answer.status, 404);
    const [{ type, value, ...detail }, ...others] = answer.json.details;
    assert.deepEqual(
      { ...answer.json, details: [detail] },
      {
        code: 'not_found',
        message: 'VM vm_1234567890 not found or not owned by customer',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'VM_NOT_FOUND',
            domain: 'metald.unkey.com',
            metadata: { vm_id: 'vm_1234567890' },
          },
        ],
      },
    );
    assert.equal(type, 'google.rpc.ErrorInfo');
    assert.match(value, /^[A-Za-z0-9+/]+$/);
    assert.deepEqual(others, []);
  });

  it('have the documented status and code', async () => {
    const taken = await createVm(server);
    await ask(server, 'BootVm', { vm_id: taken });
    const quota = { customer_id: 'full', limits: { max_machines: 0 } };
    await post(server, '/drover.v1.Machines/SetQuota', { body: quota, token: OPERATOR });
    const config = smallConfig();
    const rows = [
      [400, 'invalid_argument', 'CreateVm', {}, CUSTOMER],
      [404, 'not_found', 'GetVmInfo', { vm_id: 'none' }, CUSTOMER],
      [409, 'already_exists', 'CreateVm', { vm_id: taken, config }, CUSTOMER],
      [403, 'permission_denied', 'CreateVm', { customer_id: 'other', config }, CUSTOMER],
      [429, 'resource_exhausted', 'CreateVm', { config }, 'dev_customer_full'],
      [412, 'failed_precondition', 'BootVm', { vm_id: taken }, CUSTOMER],
      [401, 'unauthenticated', 'ListVms', {}, 'nonsense'],
    ] as const;
    for (const [status, code, method, body, token] of rows) {
      const answer = await call(server, method, body, token);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.json.code, code);
      assert.equal(answer.json.details[0]['@type'], 'type.googleapis.com/google.rpc.ErrorInfo');
    }
  });

  it('say internal for a fault of the backend, and nothing of its insides', async () => {
    const vmId = await createVm(server);
    server.host.behaviour.before = () => {
      throw new Error('/secret/path of the host');
    };
    const answer = await call(server, 'BootVm', { vm_id: vmId });
    server.host.behaviour.before = () => undefined;
    assert.equal(answer.status, 500);
    assert.equal(answer.json.code, 'internal');
    assert.doesNotMatch(answer.text, /secret/);
  });
});
