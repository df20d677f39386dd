/** A client that was generated before there was any Drover, in binary over gRPC. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ScalarType, type DescField } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { file_vmprovisioner_v1_vm as file } from '#gen/vmprovisioner/v1/vm_pb.js';
import { CUSTOMER, ask, type Json } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { loadOriginalService, originalFields } from '#test/original-vm-service.ts';

function typeOf(field: DescField): string {
  if (field.fieldKind === 'map') return 'map';
  const named = field.message ?? field.enum;
  return named?.name ?? ScalarType[field.scalar as ScalarType].toLowerCase();
}

describe('the proto file', () => {
  it('has every field of the original, by name, number and type', () => {
    for (const { message, number, name, type, isRepeated } of originalFields()) {
      const ours = file.messages.find((each) => each.name === message);
      const field = ours?.fields.find((each) => each.number === number);
      assert.ok(field !== undefined, `${message} lacks ${number}`);
      assert.deepEqual(
        [field.name, typeOf(field), field.fieldKind === 'list'],
        [name, type, isRepeated],
        `${message} ${number}`,
      );
    }
  });

  it('adds fields of its own from 100 up only', () => {
    const original = new Set(originalFields().map(({ message, number }) => `${message} ${number}`));
    const messages = new Set(originalFields().map(({ message }) => message));
    for (const { name, fields } of file.messages) {
      if (!messages.has(name)) continue;
      for (const { number } of fields) {
        assert.ok(number >= 100 || original.has(`${name} ${number}`), `${name} ${number}`);
      }
    }
  });
});

describe('a client of the original', () => {
  const service = loadOriginalService();
  let server: TestServer;
  let client: grpc.Client;
  before(async () => {
    server = await openTestServer();
    client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  function callOriginal(name: string, request: Json): Promise<Json> {
    const method = service[name];
    assert.ok(method !== undefined);
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${CUSTOMER}`);
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const { path, requestSerialize, responseDeserialize } = method;
    client.makeUnaryRequest(
      ...([path, requestSerialize, responseDeserialize, request, metadata] as const),
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
    return promise;
  }

  const config = {
    cpu: {
      vcpu_count: 2,
      max_vcpu_count: 4,
      topology: { sockets: 1, cores_per_socket: 2, threads_per_core: 2 },
      features: { avx: 'off' },
    },
    memory: { size_bytes: 268435456, max_size_bytes: 268435456 },
    boot: {
      kernel_path: '/assets/vmlinux-5.10',
      initrd_path: '/assets/initrd',
      kernel_args: 'console=ttyS0',
      boot_options: { machine: 'q35' },
    },
    storage: [
      {
        id: 'rootfs',
        path: '/assets/rootfs.ext4',
        is_root_device: true,
        interface_type: 'virtio-blk',
      },
      { id: 'data', path: '/assets/data.img', read_only: true },
    ],
    network: [
      {
        id: 'eth0',
        mac_address: '02:00:00:00:00:07',
        interface_type: 'virtio-net',
        ipv4_config: {
          address: '10.0.0.5',
          netmask: '255.255.255.0',
          gateway: '10.0.0.1',
          dns_servers: ['9.9.9.9'],
        },
        ipv6_config: { address: 'fd00::5', prefix_length: 64, gateway: 'fd00::1' },
        mode: 'NETWORK_MODE_DUAL_STACK',
        rx_rate_limit: { bandwidth: 1000000, refill_time: 100, burst: 4096 },
        tx_rate_limit: { bandwidth: 2000000, refill_time: 100, burst: 4096 },
      },
    ],
    console: { enabled: true, output: 'log.txt', console_type: 'serial' },
    metadata: { team: 'a' },
  };

  it('lives the whole life of a machine, and sees its own fields come back', async () => {
    const created = await callOriginal('CreateVm', { vm_id: 'old', config, customer_id: '123' });
    assert.deepEqual(created, { vm_id: 'old', state: 'VM_STATE_CREATED' });
    const on = { success: true, state: 'VM_STATE_RUNNING' };
    assert.deepEqual(await callOriginal('BootVm', { vm_id: 'old' }), on);

    const info = await callOriginal('GetVmInfo', { vm_id: 'old' });
    assert.equal(info.state, 'VM_STATE_RUNNING');
    assert.equal(info.metrics.memory_usage_bytes, (server.host.nextPid - 1) * 1024);
    assert.equal(typeof info.metrics.uptime_seconds, 'number');
    assert.deepEqual(Object.keys(info.metrics.storage_stats), [
      'bytes_read',
      'bytes_written',
      'read_operations',
      'write_operations',
    ]);
    assert.equal(info.backend_info.backend_type, 'fake');
    assert.equal(info.network_info.mac_address, '02:00:00:00:00:07');
    assertHolds(info.config, config);

    const paused = { success: true, state: 'VM_STATE_PAUSED' };
    assert.deepEqual(await callOriginal('PauseVm', { vm_id: 'old' }), paused);
    const page = await callOriginal('ListVms', { state_filter: ['VM_STATE_PAUSED'], page_size: 5 });
    const [{ created_timestamp: createdAt, modified_timestamp: _, ...row }] = page.vms;
    assert.deepEqual(
      { ...page, vms: [row] },
      {
        vms: [
          {
            vm_id: 'old',
            state: 'VM_STATE_PAUSED',
            vcpu_count: 2,
            memory_size_bytes: 268435456,
            metadata: { team: 'a' },
            customer_id: '123',
          },
        ],
        next_page_token: '',
        total_count: 1,
      },
    );
    assert.ok(createdAt > 1.7e9);
    assert.deepEqual(await callOriginal('ResumeVm', { vm_id: 'old' }), on);
    assert.deepEqual(await callOriginal('RebootVm', { vm_id: 'old' }), on);
    const off = { success: true, state: 'VM_STATE_SHUTDOWN' };
    assert.deepEqual(await callOriginal('ShutdownVm', { vm_id: 'old', timeout_seconds: 5 }), off);
    assert.deepEqual(await callOriginal('DeleteVm', { vm_id: 'old' }), { success: true });
    await assert.rejects(callOriginal('GetVmInfo', { vm_id: 'old' }), { code: 5 });
  });

  it('is refused an enum value that has no meaning, which JSON could not have said', async () => {
    const strange = { ...config, network: [{ id: 'eth0', mode: 9 }] };
    const refused = callOriginal('CreateVm', { config: strange });
    await assert.rejects(refused, /config\.network\[0\]\.mode: /);
    await assert.rejects(callOriginal('ListVms', { state_filter: [9] }), /state_filter\[0\]: /);
  });

  it('makes machines that clients of the documented JSON see in their own words', async () => {
    await callOriginal('CreateVm', { vm_id: 'both', config });
    const told = await ask(server, 'GetVmInfo', { vm_id: 'both' });
    const [nic] = told.config.network;
    assert.equal(nic.interface_id, 'eth0');
    assert.equal(nic.guest_mac, '02:00:00:00:00:07');
    assert.deepEqual(nic.guest_ipv4, {
      address: '10.0.0.5',
      prefix_length: 24,
      gateway: '10.0.0.1',
    });
    // The two directions differ, which the documented single limit cannot say.
    assert.equal(nic.rate_limit, undefined);
    assert.equal(told.config.storage[1].is_read_only, true);
    assert.equal(told.config.console.output_file, 'log.txt');
  });
});

/** Everything in `part` is in `whole` as well. */
function assertHolds(whole: Json, part: Json, at = 'config'): void {
  if (typeof part !== 'object') {
    assert.equal(whole, part, at);
    return;
  }
  for (const [name, value] of Object.entries<Json>(part)) {
    assertHolds(whole?.[name], value, `${at}.${name}`);
  }
}
