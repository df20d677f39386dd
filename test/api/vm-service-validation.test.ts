/** Requests that are refused: by the path of the field that is wrong, and without any trace. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPERATOR, ask, call, smallConfig, type Json } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const ROOT = { device_id: 'rootfs', path_on_host: '/assets/rootfs.ext4', is_root_device: true };
const DATA = { device_id: 'data', path_on_host: '/assets/data.img' };
const NIC = { interface_id: 'eth0', type: 'TAP' };
const KERNEL = { kernel_path: '/assets/vmlinux-5.10' };
const MIB = 1048576;

const withNic = (nic: object) => ({ network: [{ ...NIC, ...nic }] });
const withCpu = (cpu: object) => ({ cpu: { vcpu_count: 2, ...cpu } });
const withDisk = (disk: object) => ({ storage: [{ ...ROOT, ...disk }] });
const withBoot = (boot: object) => ({ boot: { ...KERNEL, ...boot } });
const withMemory = (memory: object) => ({ memory: { size_bytes: 256 * MIB, ...memory } });
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

/** What is laid over a good configuration, and the field that the refusal has to name. */
const REFUSED: readonly (readonly [field: string, changes: Json])[] = [
  ['config.cpu', { cpu: undefined }],
  ['config.cpu.vcpu_count', { cpu: {} }],
  ['config.cpu.vcpu_count', withCpu({ vcpu_count: 33 })],
  ['config.cpu.vcpu_count', withCpu({ vcpu_count: -1 })],
  ['config.cpu.vcpu_count', withCpu({ vcpu_count: 1.5 })],
  ['config.cpu.vcpu_count', withCpu({ vcpu_count: 'NaN' })],
  ['config.cpu.vcpu_count', withCpu({ vcpu_count: 1e300 })],
  ['config.cpu.vcpu_count', withCpu({ vcpu_count: 4294967298 })],
  ['config.cpu.max_vcpu_count', withCpu({ max_vcpu_count: 1 })],
  ['config.cpu.max_vcpu_count', withCpu({ max_vcpu_count: 33 })],
  ['config.cpu.cpu_template', withCpu({ cpu_template: 'T3' })],
  ['config.cpu.cpu_template', withCpu({ cpu_template: 't2' })],
  [
    'config.cpu.topology',
    withCpu({ topology: { sockets: 2, cores_per_socket: 2, threads_per_core: 1 } }),
  ],
  [
    'config.cpu.topology.threads_per_core',
    withCpu({ topology: { sockets: 2, cores_per_socket: 1 } }),
  ],
  ['config.cpu.features.avx', withCpu({ features: { avx: 'maybe' } })],
  ['config.cpu.features', withCpu({ features: ['avx'] })],
  ['config.memory', { memory: undefined }],
  ['config.memory.size_bytes', { memory: {} }],
  ['config.memory.size_bytes', withMemory({ size_bytes: 127 * MIB })],
  ['config.memory.size_bytes', withMemory({ size_bytes: 128 * MIB + 1 })],
  ['config.memory.size_bytes', withMemory({ size_bytes: -128 * MIB })],
  ['config.memory.size_bytes', withMemory({ size_bytes: '99999999999999999999' })],
  ['config.memory.size_bytes', withMemory({ size_bytes: 2 ** 60 })],
  ['config.memory.size_bytes', withMemory({ size_bytes: '1GiB' })],
  ['config.memory.hotplug_enabled', withMemory({ hotplug_enabled: true })],
  ['config.memory.max_size_bytes', withMemory({ max_size_bytes: 512 * MIB })],
  ['config.memory.backing.hugepages', withMemory({ backing: { hugepages: '2M' } })],
  ['config.boot', { boot: undefined }],
  ['config.boot.kernel_path', { boot: {} }],
  ['config.boot.kernel_path', withBoot({ kernel_path: '/etc/passwd' })],
  ['config.boot.kernel_path', withBoot({ kernel_path: '/assets/../../etc/passwd' })],
  ['config.boot.kernel_path', withBoot({ kernel_path: '/assets/none' })],
  ['config.boot.kernel_path', withBoot({ kernel_path: '/assets/a\u0000b' })],
  ['config.boot.kernel_path', withBoot({ kernel_path: `/assets/${'x'.repeat(5000)}` })],
  ['config.boot.initrd_path', withBoot({ initrd_path: '/assets' })],
  ['config.boot.kernel_args', withBoot({ kernel_args: 'a\nb' })],
  ['config.boot.kernel_args', withBoot({ kernel_args: 'x'.repeat(2049) })],
  ['config.boot.boot_options.machine', withBoot({ boot_options: { machine: 'pc' } })],
  ['config.boot.boot_options.speed', withBoot({ boot_options: { speed: 'high' } })],
  ['config.boot.boot_options.firmware', { boot: { boot_options: { firmware: 'coreboot' } } }],
  ['config.boot.kernel_path', withBoot({ boot_options: { firmware: 'bios' } })],
  ['config.storage', { storage: [] }],
  ['config.storage', { storage: [DATA] }],
  ['config.storage', { storage: [ROOT, { ...DATA, is_root_device: true }] }],
  ['config.storage', { storage: times(17, (at) => ({ ...DATA, device_id: `d${at}` })) }],
  ['config.storage[0].id', withDisk({ device_id: '' })],
  ['config.storage[0].device_id', withDisk({ device_id: 'a b' })],
  ['config.storage[0].device_id', withDisk({ device_id: 'x'.repeat(37) })],
  ['config.storage[0].id', withDisk({ device_id: undefined, id: 'ä' })],
  ['config.storage[1].device_id', { storage: [ROOT, { ...DATA, device_id: 'rootfs' }] }],
  ['config.storage[0].path', withDisk({ path_on_host: '' })],
  ['config.storage[0].path_on_host', withDisk({ path_on_host: 'rootfs.ext4' })],
  ['config.storage[0].path', withDisk({ path_on_host: undefined, path: '/dev/null' })],
  ['config.storage[0].interface_type', withDisk({ interface_type: 'ide' })],
  ['config.storage[0].options.cache', withDisk({ options: { cache: 'none' } })],
  ['config.storage[0].options.write_mode', withDisk({ options: { write_mode: 'both' } })],
  ['config.storage[0].options.write_mode', withDisk({ options: { write_mode: 'direct' } })],
  ['config.network', { network: times(9, (at) => ({ interface_id: `eth${at}` })) }],
  ['config.network[0].id', withNic({ interface_id: '' })],
  ['config.network[0].interface_id', withNic({ interface_id: 'eth/0' })],
  ['config.network[1].interface_id', { network: [NIC, NIC] }],
  ['config.network[0].type', withNic({ type: 'MACVTAP' })],
  ['config.network[0].tap_device', withNic({ tap_device: 'tap0' })],
  ['config.network[0].options.mtu', withNic({ options: { mtu: '9000' } })],
  ['config.network[0].guest_mac', withNic({ guest_mac: '02:00:00:00:00' })],
  ['config.network[0].guest_mac', withNic({ guest_mac: '03:00:00:00:00:01' })],
  ['config.network[0].guest_mac', withNic({ guest_mac: '00:00:00:00:00:00' })],
  ['config.network[0].mac_address', withNic({ mac_address: 'zz' })],
  [
    'config.network[1].guest_mac',
    {
      network: [
        { ...NIC, guest_mac: '02:00:00:00:00:01' },
        { interface_id: 'eth1', guest_mac: '02:00:00:00:00:01' },
      ],
    },
  ],
  ['config.network[0].guest_ipv4.address', withNic({ guest_ipv4: { address: '10.0.0.256' } })],
  ['config.network[0].guest_ipv4.address', withNic({ guest_ipv4: { address: 'fd00::1' } })],
  ['config.network[0].ipv6_config.address', withNic({ ipv6_config: { address: '10.0.0.1' } })],
  ['config.network[0].guest_ipv6.address', withNic({ guest_ipv6: { address: 'fe80::1%eth0' } })],
  ['config.network[0].guest_ipv4.prefix_length', withNic({ guest_ipv4: { prefix_length: 33 } })],
  ['config.network[0].guest_ipv6.prefix_length', withNic({ guest_ipv6: { prefix_length: -1 } })],
  ['config.network[0].host_ipv4.prefix_length', withNic({ host_ipv4: { prefix_length: 40 } })],
  ['config.network[0].host_ipv4.gateway', withNic({ host_ipv4: { gateway: 'router' } })],
  ['config.network[0].ipv4_config.netmask', withNic({ ipv4_config: { netmask: '255.0.255.0' } })],
  ['config.network[0].ipv4_config.gateway', withNic({ ipv4_config: { gateway: 'x' } })],
  ['config.network[0].ipv4_config.dhcp', withNic({ ipv4_config: { dhcp: true } })],
  ['config.network[0].ipv6_config.slaac', withNic({ ipv6_config: { slaac: true } })],
  ['config.network[0].ipv6_config.link_local', withNic({ ipv6_config: { link_local: 'fe80::1' } })],
  [
    'config.network[0].ipv4_config.dns_servers[1]',
    withNic({ ipv4_config: { dns_servers: ['1.1.1.1', 'dns'] } }),
  ],
  [
    'config.network[0].ipv6_config.dns_servers',
    withNic({ ipv6_config: { dns_servers: times(5, () => '::1') } }),
  ],
  [
    'config.network[0].mode',
    withNic({ mode: 'NETWORK_MODE_IPV6_ONLY', guest_ipv4: { address: '10.0.0.2' } }),
  ],
  [
    'config.network[0].mode',
    withNic({ mode: 'NETWORK_MODE_IPV4_ONLY', guest_ipv6: { address: '::2' } }),
  ],
  ['config.network[0].mode', withNic({ mode: 'BRIDGED' })],
  ['config.network[0].mode', withNic({ mode: 9 })],
  [
    'config.network[0].rate_limit.bandwidth_bytes_per_second',
    withNic({ rate_limit: { bandwidth_bytes_per_second: 10 } }),
  ],
  ['config.network[0].rx_rate_limit.bandwidth', withNic({ rx_rate_limit: { bandwidth: -1 } })],
  [
    'config.network[0].tx_rate_limit.burst',
    withNic({ tx_rate_limit: { bandwidth: 1e6, burst: -1 } }),
  ],
  [
    'config.network[0].rate_limit.refill_time_millis',
    withNic({ rate_limit: { bandwidth_bytes_per_second: 1e6, refill_time_millis: 1e6 } }),
  ],
  ['config.console.type', { console: { type: 'VGA' } }],
  ['config.console.console_type', { console: { console_type: 'tty' } }],
  ['config.console.input', { console: { input: '/dev/tty' } }],
  ['config.console.output_file', { console: { output_file: '/tmp/' } }],
  ['config.console.output_file', { console: { output_file: '/tmp/..' } }],
  ['config.metadata', { metadata: Object.fromEntries(times(65, (at) => [`k${at}`, 'v'])) }],
  ['config.metadata[""]', { metadata: { '': 'v' } }],
  ['config.metadata["ключ"]', { metadata: { ключ: 'v' } }],
  ['config.metadata.k', { metadata: { k: 'x'.repeat(1025) } }],
  ['config.metadata.k', { metadata: { k: 7 } }],
  ['config.metadata.k', { metadata: { k: null } }],
  ['config.storge', { storge: [] }],
  ['config.cpu.vcpus', withCpu({ vcpus: 2 })],
  ['config.storage[0].device', withDisk({ device: 'x' })],
  ['config.network[0].guest_ipv4.mask', withNic({ guest_ipv4: { mask: 24 } })],
  ['config.__proto__', JSON.parse('{"__proto__": {"cpu": {}}}')],
];

/** Both names of a field, saying different things. */
const CONTRADICTIONS: readonly (readonly [one: string, other: string, changes: Json])[] = [
  ['storage[0].id', 'storage[0].device_id', withDisk({ id: 'other' })],
  ['storage[0].path', 'storage[0].path_on_host', withDisk({ path: '/assets/data.img' })],
  [
    'storage[0].read_only',
    'storage[0].is_read_only',
    withDisk({ read_only: true, is_read_only: false }),
  ],
  ['network[0].id', 'network[0].interface_id', withNic({ id: 'eth9' })],
  ['network[0].interface_type', 'network[0].type', withNic({ interface_type: 'virtio-net' })],
  [
    'network[0].mac_address',
    'network[0].guest_mac',
    withNic({ mac_address: '02:00:00:00:00:01', guest_mac: 'auto' }),
  ],
  [
    'network[0].rx_rate_limit',
    'network[0].rate_limit',
    withNic({ rx_rate_limit: { bandwidth: 2e6 }, rate_limit: { bandwidth_bytes_per_second: 1e6 } }),
  ],
  [
    'network[0].ipv4_config.address',
    'network[0].guest_ipv4.address',
    withNic({ ipv4_config: { address: '10.0.0.2' }, guest_ipv4: { address: '10.0.0.3' } }),
  ],
  [
    'network[0].ipv4_config.prefix_length',
    'network[0].guest_ipv4.prefix_length',
    withNic({ ipv4_config: { netmask: '255.0.0.0' }, guest_ipv4: { prefix_length: 24 } }),
  ],
  [
    'network[0].guest_ipv4.prefix_length',
    'network[0].host_ipv4.prefix_length',
    withNic({ guest_ipv4: { prefix_length: 24 }, host_ipv4: { prefix_length: 16 } }),
  ],
  [
    'network[0].host_ipv4.address',
    'network[0].ipv4_config.gateway',
    withNic({ host_ipv4: { address: '10.0.0.1' }, ipv4_config: { gateway: '10.0.0.2' } }),
  ],
  [
    'console.console_type',
    'console.type',
    { console: { console_type: 'serial', type: 'VIRTIO_CONSOLE' } },
  ],
  ['console.output', 'console.output_file', { console: { output: 'a', output_file: 'b' } }],
];

describe('a configuration that is refused', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(async () => {
    const list = await ask(server, 'ListVms', {}, OPERATOR);
    await server[Symbol.asyncDispose]();
    assert.equal(list.total_count, 0, 'a refused request made a machine');
  });

  for (const [field, changes] of REFUSED) {
    const shown = JSON.stringify(changes).slice(0, 90);
    it(`names ${field} for ${shown}`, async () => {
      const answer = await call(server, 'CreateVm', { config: smallConfig(changes) });
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.json.code, 'invalid_argument');
      assert.ok(answer.json.message.startsWith(`${field}: `), answer.json.message);
      assert.equal(answer.json.details[0].reason, 'INVALID_FIELD');
      assert.equal(answer.json.details[0].metadata.field, field);
      assert.ok(answer.text.length < 2000, 'the refusal repeats what it was sent');
    });
  }

  for (const [one, other, changes] of CONTRADICTIONS) {
    it(`names ${one} and ${other} when they contradict`, async () => {
      const answer = await call(server, 'CreateVm', { config: smallConfig(changes) });
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.json.message, /say different things/);
      const [{ metadata, reason }] = answer.json.details;
      assert.equal(reason, 'CONTRADICTING_FIELDS');
      const named = new Set([metadata.field, metadata.other_field]);
      assert.deepEqual(named, new Set([`config.${one}`, `config.${other}`]));
    });
  }

  it('names what is wrong around the configuration too', async () => {
    const config = smallConfig();
    const rows = [
      ['config', {}],
      ['config', { config: 'small' }],
      ['vm_id', { vm_id: '.x', config }],
      ['vm_id', { vm_id: 'a.b', config }],
      ['vm_id', { vm_id: 'x'.repeat(65), config }],
      ['vm_id', { vm_id: 'ünï', config }],
      ['vm_id', { vm_id: 7, config }],
      ['customer_id', { customer_id: 'no spaces', config }],
      ['name', { name: 'x', config }],
    ] as const;
    for (const [field, body] of rows) {
      const answer = await call(server, 'CreateVm', body);
      assert.equal(answer.status, 400, answer.text);
      assert.ok(answer.json.message.startsWith(`${field}: `), answer.json.message);
    }
  });

  it('hears of an unknown field what it may have meant', async () => {
    const answer = await call(server, 'CreateVm', { config: smallConfig({ storge: [] }) });
    assert.match(answer.json.message, /storage/);
  });
});
