/** The VMs of a vCenter or an ESXi host, as the server sees them. */
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatSheet } from '#apps/drover/client/sheet-text.ts';
import type { Fact } from '#apps/drover/client/sheet-text.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { readSourceOptions, SOURCE_OPTIONS } from '#apps/drover/migrate/source-options.ts';
import { formatBytes, MIB } from '#kernel/units.ts';

/** As the API answers it. */
interface WireSummary {
  readonly name: string;
  readonly path: string;
  readonly power_state: string;
  readonly num_cpu: number | null;
  readonly memory_mb: number | null;
  readonly storage_bytes: number | null;
  readonly guest_os: string | null;
  readonly ip_address: string | null;
  readonly host: string | null;
  readonly template: boolean;
}

interface WireVm extends WireSummary {
  readonly uuid: string | null;
  readonly hardware: { readonly firmware: string; readonly secure_boot: boolean; tpm: boolean };
  readonly disks: readonly {
    readonly label: string;
    readonly capacity_bytes: number;
    readonly file_path: string;
    readonly controller: string;
    readonly thin: boolean | null;
  }[];
  readonly networks: readonly {
    readonly label: string;
    readonly mac_address: string;
    readonly network: string;
    readonly model: string;
  }[];
  readonly cdroms: readonly string[];
  readonly snapshots: number;
}

export const vsphereLs: Command = {
  name: 'vsphere ls',
  group: 'Migration',
  usage: '[PATTERN]',
  summary: 'List the VMs of a vCenter or host, with their paths',
  details: [
    'A pattern is a path with * within its names, such as Datacenter/vm/production/*. With ' +
      '--from file:/FOLDER they are those in files there, with --from file: all that are in files.',
  ],
  options: {
    datacenter: { kind: 'text', argument: 'NAME', doc: 'Only those of this datacenter.' },
    ...SOURCE_OPTIONS,
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    'drover vsphere ls --from lab',
    "drover vsphere ls 'DC0/vm/production/*' --from https://vcenter.example.com --username ada",
  ],
  words: { least: 0, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const body = {
      source: await readSourceOptions(invocation),
      datacenter: options.text('datacenter'),
      pattern: words[0],
    };
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('POST', '/vms/list', body);
    const { vms } = answer as { readonly vms: readonly WireSummary[] };
    await printAnswer(invocation, answer, () => (vms.length === 0 ? '' : vmsToTable(vms)));
    if (vms.length === 0) terminal.note('no VMs there, or none that this login may see');
  },
};

export const vsphereInfo: Command = {
  name: 'vsphere info',
  group: 'Migration',
  usage: 'VM',
  summary: 'Show a VM of a vCenter or host: its hardware, disks and networks',
  details: ['VM is its inventory path, as drover vsphere ls shows it.'],
  options: { ...SOURCE_OPTIONS, ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: ['drover vsphere info DC0/vm/production/web-1 --from lab'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [path] = invocation.words;
    const source = await readSourceOptions(invocation);
    const api = await openRestClient(invocation, 'operator');
    const vm = (await api.call('POST', '/vms/info', { source, vm_path: path })) as WireVm;
    await printAnswer(invocation, vm, () => formatSheet(vmToFacts(vm)));
  },
};

function vmsToTable(vms: readonly WireSummary[]): string {
  const rows = vms.map((vm) => [
    printable(vm.path),
    vm.template ? 'template' : powerOf(vm),
    String(vm.num_cpu ?? '-'),
    memoryOf(vm) ?? '-',
    vm.storage_bytes === null ? '-' : formatBytes(vm.storage_bytes),
    vm.ip_address ?? '-',
    printable(vm.guest_os ?? '-'),
  ]);
  return formatTable(['PATH', 'POWER', 'CPUS', 'MEMORY', 'STORAGE', 'ADDRESS', 'GUEST'], rows);
}

function vmToFacts(vm: WireVm): readonly Fact[] {
  const { hardware } = vm;
  const firmware = hardware.secure_boot ? `${hardware.firmware}, Secure Boot` : hardware.firmware;
  return [
    ['name', vm.name],
    ['path', vm.path],
    ['power', vm.template ? 'template' : powerOf(vm)],
    ['guest', vm.guest_os],
    ['address', vm.ip_address],
    ['host', vm.host],
    ['uuid', vm.uuid],
    ['cpus', vm.num_cpu],
    ['memory', memoryOf(vm)],
    ['firmware', hardware.tpm ? `${firmware}, TPM` : firmware],
    ...vm.disks.map((disk): Fact => {
      const size = formatBytes(disk.capacity_bytes);
      const thin = disk.thin === true ? ', thin' : '';
      return ['disk', `${disk.label}: ${size} on ${disk.controller}${thin}, ${disk.file_path}`];
    }),
    ...vm.networks.map((nic): Fact => {
      return ['network', `${nic.network}: ${nic.mac_address}, ${nic.model} (${nic.label})`];
    }),
    ...vm.cdroms.map((label): Fact => ['cd-rom', label]),
    ['snapshots', vm.snapshots === 0 ? undefined : vm.snapshots],
  ];
}

const POWER: Readonly<Record<string, string>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};

function powerOf({ power_state: state }: WireSummary): string {
  return POWER[state] ?? state;
}

function memoryOf({ memory_mb: mib }: WireSummary): string | undefined {
  return mib === null ? undefined : formatBytes(mib * MIB);
}
