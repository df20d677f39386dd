/** Machines as text for people: the table of `vm list` and the sheet of `vm info`. */
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import type {
  GetVmInfoResponse,
  VmConfig,
  VmInfo,
  VmMetrics,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import { formatBytes, SECOND_MS } from '#kernel/units.ts';
import { formatAge, formatTable, printable } from './text-table.ts';

export const STATE_NAMES = ['created', 'running', 'paused', 'shutdown'] as const;
export type StateName = (typeof STATE_NAMES)[number];

const NAMES: Record<VmState, StateName | 'unknown'> = {
  [VmState.UNSPECIFIED]: 'unknown',
  [VmState.CREATED]: 'created',
  [VmState.RUNNING]: 'running',
  [VmState.PAUSED]: 'paused',
  [VmState.SHUTDOWN]: 'shutdown',
};
const STATES: Record<StateName, VmState> = {
  created: VmState.CREATED,
  running: VmState.RUNNING,
  paused: VmState.PAUSED,
  shutdown: VmState.SHUTDOWN,
};

export function stateToName(state: VmState): string {
  return NAMES[state] ?? 'unknown';
}

export function parseStateName(field: string, text: string): VmState {
  const name = STATE_NAMES.find((known) => known === text.toLowerCase());
  if (name !== undefined) return STATES[name];
  throw invalidArgument(field, `must be one of ${STATE_NAMES.join(', ')}, not ${text}`);
}

export interface TextOptions {
  readonly nowMs: number;
  readonly paint: (state: string) => string;
}

export function vmsToTable(vms: readonly VmInfo[], { nowMs, paint }: TextOptions): string {
  const customers = new Set(vms.map((vm) => vm.customerId));
  const withCustomer = customers.size > 1;
  const header = ['ID', 'NAME', 'STATE', 'VCPUS', 'MEMORY', 'AGE'];
  const rows = vms.map((vm) => [
    vm.vmId,
    printable(vm.metadata['name'] ?? '-'),
    paint(stateToName(vm.state)),
    String(vm.vcpuCount),
    formatBytes(Number(vm.memorySizeBytes)),
    formatAge(nowMs - Number(vm.createdTimestamp) * SECOND_MS),
    ...(withCustomer ? [vm.customerId] : []),
  ]);
  return formatTable(withCustomer ? [...header, 'CUSTOMER'] : header, rows);
}

export function vmToSheet(vm: GetVmInfoResponse, { nowMs, paint }: TextOptions): string {
  const rows: string[][] = [
    ['id', vm.vmId],
    ['name', printable(vm.config?.metadata['name'] ?? '-')],
    ['customer', vm.customerId],
    ['state', paint(stateToName(vm.state)) + reasonOf(vm)],
    ['created', `${vm.createdAt} (${formatAge(nowMs - Date.parse(vm.createdAt))} ago)`],
    ...(vm.config === undefined ? [] : configToRows(vm.config)),
    ...interfacesToRows(vm),
    ...metricsToRows(vm),
    ...Object.entries(vm.backendInfo).flatMap(([name, value]) =>
      value === '' ? [] : [[name.replace('_', ' '), value]],
    ),
  ];
  return formatTable([], rows);
}

function reasonOf(vm: GetVmInfoResponse): string {
  return vm.stateMessage === '' ? '' : ` (${printable(vm.stateMessage)})`;
}

function configToRows(config: VmConfig): string[][] {
  const { cpu, memory, boot } = config;
  return [
    ['vcpus', String(cpu?.vcpuCount ?? 0)],
    ['memory', formatBytes(Number(memory?.sizeBytes ?? 0))],
    ...(boot === undefined || boot.kernelPath === '' ? [] : [['kernel', boot.kernelPath]]),
    ...(boot === undefined || boot.kernelArgs === ''
      ? []
      : [['kernel args', printable(boot.kernelArgs)]]),
    ...config.storage.map((disk) => {
      const traits = [
        ...(disk.isRootDevice ? ['root'] : []),
        disk.readOnly || disk.isReadOnly === true ? 'read-only' : 'writable',
      ];
      const path = disk.path === '' ? (disk.pathOnHost ?? '') : disk.path;
      const id = disk.id === '' ? (disk.deviceId ?? '') : disk.id;
      return ['disk', `${id} ${path} (${traits.join(', ')})`];
    }),
  ];
}

function interfacesToRows(vm: GetVmInfoResponse): string[][] {
  return (vm.networkInfo?.interfaces ?? []).map((nic) => {
    const addresses = [nic.guestIpv4, nic.guestIpv6].flatMap((address) =>
      address === undefined || address.address === ''
        ? []
        : [`${address.address}/${address.prefixLength}`],
    );
    const parts = [nic.interfaceId, nic.guestMac, ...addresses, nic.tapDevice];
    return ['network', parts.filter((part) => part !== '').join(' ')];
  });
}

function metricsToRows({ metrics }: GetVmInfoResponse): string[][] {
  if (metrics === undefined) return [];
  // A server that could not read a value leaves it out.
  const bytes = (value: bigint | undefined) =>
    value === undefined ? 'unknown' : formatBytes(Number(value));
  return [
    ['uptime', formatAge(Number(metrics.uptimeSeconds) * SECOND_MS)],
    ['cpu', `${metrics.cpuUsagePercent.toFixed(1)} % of one core`],
    ['memory used', bytes(metrics.memoryUsageBytes)],
    ['disk', `${bytes(metrics.diskReadBytes)} read, ${bytes(metrics.diskWriteBytes)} written`],
    ...trafficToRows(metrics),
  ];
}

function trafficToRows({ networkRxBytes, networkTxBytes }: VmMetrics): string[][] {
  if (networkRxBytes === undefined || networkTxBytes === undefined) return [];
  const [received, sent] = [networkRxBytes, networkTxBytes].map((n) => formatBytes(Number(n)));
  return [['traffic', `${received} received, ${sent} sent`]];
}
