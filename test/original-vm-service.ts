/**
 * The wire contract that clients in the field were generated from, written down by itself: names,
 * numbers and types, and nothing of ours. A client made from this is such a client.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** `number type name`, separated by semicolons; `*` repeats, `map` is of text to text. */
const MESSAGES: Readonly<Record<string, string>> = {
  VmConfig:
    '1 CpuConfig cpu; 2 MemoryConfig memory; 3 BootConfig boot; 4 *StorageDevice storage; ' +
    '5 *NetworkInterface network; 6 ConsoleConfig console; 7 map metadata',
  CpuConfig: '1 int32 vcpu_count; 2 int32 max_vcpu_count; 3 CpuTopology topology; 4 map features',
  CpuTopology: '1 int32 sockets; 2 int32 cores_per_socket; 3 int32 threads_per_core',
  MemoryConfig: '1 int64 size_bytes; 2 bool hotplug_enabled; 3 int64 max_size_bytes; 4 map backing',
  BootConfig:
    '1 string kernel_path; 2 string initrd_path; 3 string kernel_args; 4 map boot_options',
  StorageDevice:
    '1 string id; 2 string path; 3 bool read_only; 4 bool is_root_device; ' +
    '5 string interface_type; 6 map options',
  NetworkInterface:
    '1 string id; 2 string mac_address; 3 string tap_device; 4 string interface_type; ' +
    '5 map options; 6 IPv4Config ipv4_config; 7 IPv6Config ipv6_config; 8 NetworkMode mode; ' +
    '10 RateLimit rx_rate_limit; 11 RateLimit tx_rate_limit',
  IPv4Config:
    '1 string address; 2 string netmask; 3 string gateway; 4 *string dns_servers; 5 bool dhcp',
  IPv6Config:
    '1 string address; 2 int32 prefix_length; 3 string gateway; 4 *string dns_servers; ' +
    '5 bool slaac; 6 bool privacy_extensions; 7 string link_local',
  RateLimit: '1 int64 bandwidth; 2 int64 refill_time; 3 int64 burst',
  ConsoleConfig: '1 bool enabled; 2 string output; 3 string input; 4 string console_type',
  CreateVmRequest: '1 string vm_id; 2 VmConfig config; 3 string customer_id',
  CreateVmResponse: '1 string vm_id; 2 VmState state',
  DeleteVmRequest: '1 string vm_id; 2 bool force',
  DeleteVmResponse: '1 bool success',
  BootVmRequest: '1 string vm_id',
  BootVmResponse: '1 bool success; 2 VmState state',
  ShutdownVmRequest: '1 string vm_id; 2 bool force; 3 int32 timeout_seconds',
  ShutdownVmResponse: '1 bool success; 2 VmState state',
  PauseVmRequest: '1 string vm_id',
  PauseVmResponse: '1 bool success; 2 VmState state',
  ResumeVmRequest: '1 string vm_id',
  ResumeVmResponse: '1 bool success; 2 VmState state',
  RebootVmRequest: '1 string vm_id; 2 bool force',
  RebootVmResponse: '1 bool success; 2 VmState state',
  GetVmInfoRequest: '1 string vm_id',
  GetVmInfoResponse:
    '1 string vm_id; 2 VmConfig config; 3 VmState state; 4 VmMetrics metrics; ' +
    '5 map backend_info; 6 VmNetworkInfo network_info',
  VmMetrics:
    '1 double cpu_usage_percent; 2 int64 memory_usage_bytes; 3 NetworkStats network_stats; ' +
    '4 StorageStats storage_stats; 5 int64 uptime_seconds',
  NetworkStats:
    '1 int64 bytes_received; 2 int64 bytes_transmitted; 3 int64 packets_received; ' +
    '4 int64 packets_transmitted',
  StorageStats:
    '1 int64 bytes_read; 2 int64 bytes_written; 3 int64 read_operations; 4 int64 write_operations',
  VmNetworkInfo:
    '1 string ip_address; 2 string mac_address; 3 string tap_device; ' +
    '4 string network_namespace; 5 string gateway; 6 *string dns_servers; ' +
    '7 *PortMapping port_mappings',
  PortMapping: '1 int32 container_port; 2 int32 host_port; 3 string protocol',
  ListVmsRequest: '1 *VmState state_filter; 2 int32 page_size; 3 string page_token',
  ListVmsResponse: '1 *VmInfo vms; 2 string next_page_token; 3 int32 total_count',
  VmInfo:
    '1 string vm_id; 2 VmState state; 3 int32 vcpu_count; 4 int64 memory_size_bytes; ' +
    '5 int64 created_timestamp; 6 int64 modified_timestamp; 7 map metadata; 8 string customer_id',
};

const ENUMS: Readonly<Record<string, readonly string[]>> = {
  VM_STATE: ['UNSPECIFIED', 'CREATED', 'RUNNING', 'PAUSED', 'SHUTDOWN'],
  NETWORK_MODE: ['UNSPECIFIED', 'DUAL_STACK', 'IPV4_ONLY', 'IPV6_ONLY'],
};
const ENUM_NAMES: Readonly<Record<string, string>> = {
  VM_STATE: 'VmState',
  NETWORK_MODE: 'NetworkMode',
};

const METHODS =
  'CreateVm DeleteVm BootVm ShutdownVm PauseVm ResumeVm RebootVm GetVmInfo ListVms'.split(' ');

export interface OriginalField {
  readonly message: string;
  readonly number: number;
  readonly name: string;
  readonly isRepeated: boolean;
  /** `map`, a scalar's name, or that of a message or enum. */
  readonly type: string;
}

export function originalFields(): readonly OriginalField[] {
  return Object.entries(MESSAGES).flatMap(([message, text]) =>
    text.split('; ').map((field) => {
      const [number, type = '', name = ''] = field.split(' ');
      const isRepeated = type.startsWith('*');
      return { message, number: Number(number), name, isRepeated, type: type.replace('*', '') };
    }),
  );
}

/** What a generator would make of it, for @grpc/grpc-js. */
export function loadOriginalService(): ServiceDefinition {
  const directory = mkdtempSync(join(tmpdir(), 'drover-original-'));
  try {
    const file = join(directory, 'vm.proto');
    writeFileSync(file, originalProto());
    const options = { keepCase: true, enums: String, longs: Number, defaults: true } as const;
    return loadSync(file, options)['vmprovisioner.v1.VmService'] as ServiceDefinition;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function originalProto(): string {
  const lines = ['syntax = "proto3";', 'package vmprovisioner.v1;', 'service VmService {'];
  for (const name of METHODS) lines.push(`rpc ${name}(${name}Request) returns (${name}Response);`);
  lines.push('}');
  for (const [prefix, values] of Object.entries(ENUMS)) {
    lines.push(`enum ${ENUM_NAMES[prefix]} {`);
    lines.push(...values.map((value, number) => `${prefix}_${value} = ${number};`), '}');
  }
  const fields = Object.groupBy(originalFields(), ({ message }) => message);
  for (const [message, its = []] of Object.entries(fields)) {
    const declared = its.map(({ number, type, name, isRepeated }) => {
      const kind = type === 'map' ? 'map<string, string>' : type;
      return `${isRepeated ? 'repeated ' : ''}${kind} ${name} = ${number};`;
    });
    lines.push(`message ${message} {`, ...declared, '}');
  }
  return lines.join('\n');
}
