/** What a machine is made of: its disks and interfaces as tables, and all of it as JSON. */
import { toJson } from '@bufbuild/protobuf';
import type { ReactNode } from 'react';
import {
  VmConfigSchema,
  type BootConfig,
  type GetVmInfoResponse,
  type InterfaceAddress,
  type StorageDevice,
  type VmInterfaceInfo,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { CopyButton } from '#web/components/CopyButton.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Facts, type Fact } from '#web/components/Facts.tsx';
import { Section } from '#web/components/Section.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { UNKNOWN } from '#web/format/numbers.ts';
import { MACHINES } from '#web/text/machines.ts';

const { configuration } = MACHINES;
const { columns } = configuration;

export function MachineConfiguration({ vm }: { readonly vm: GetVmInfoResponse }) {
  const { config, networkInfo } = vm;
  return (
    <>
      <Section title={configuration.disks}>
        <Table
          label={configuration.disks}
          rows={config?.storage ?? []}
          rowKey={({ id }) => id}
          columns={DISKS}
        />
      </Section>
      <Section title={configuration.network}>
        <Table
          label={configuration.network}
          rows={networkInfo?.interfaces ?? []}
          rowKey={({ interfaceId }) => interfaceId}
          columns={INTERFACES}
          empty={<EmptyState title={configuration.noNetwork} />}
        />
      </Section>
      <Section title={configuration.boot}>
        <Facts items={bootFacts(config?.boot)} />
      </Section>
      <Metadata metadata={config?.metadata ?? {}} />
      {config !== undefined && (
        <WholeConfiguration
          text={JSON.stringify(
            toJson(VmConfigSchema, config, { useProtoFieldName: true }),
            null,
            2,
          )}
        />
      )}
    </>
  );
}

const DISKS: readonly Column<StorageDevice>[] = [
  { id: 'id', title: columns.id, cell: ({ id }) => id },
  {
    ...{ id: 'root', title: columns.root },
    cell: ({ isRootDevice }) => (isRootDevice ? configuration.rootDisk : configuration.dataDisk),
  },
  { id: 'path', title: columns.path, width: 'grow', cell: ({ path }) => mono(path) },
  {
    ...{ id: 'bus', title: columns.bus, hideBelow: 'tablet' },
    cell: ({ interfaceType }) => interfaceType || configuration.defaults,
  },
  {
    ...{ id: 'access', title: columns.access, hideBelow: 'tablet' },
    cell: ({ readOnly, options }) => {
      if (readOnly) return configuration.readOnly;
      const isDirect = options['write_mode'] === 'direct';
      return isDirect ? configuration.direct : configuration.overlay;
    },
  },
];

const INTERFACES: readonly Column<VmInterfaceInfo>[] = [
  { id: 'id', title: columns.id, cell: ({ interfaceId }) => interfaceId },
  { id: 'mac', title: columns.mac, cell: ({ guestMac }) => mono(guestMac) },
  { id: 'ipv4', title: columns.ipv4, cell: ({ guestIpv4 }) => mono(addressText(guestIpv4)) },
  {
    ...{ id: 'ipv6', title: columns.ipv6, hideBelow: 'tablet' },
    cell: ({ guestIpv6 }) => mono(addressText(guestIpv6)),
  },
  {
    ...{ id: 'gateway', title: columns.gateway, hideBelow: 'tablet' },
    cell: ({ guestIpv4, guestIpv6 }) => mono(guestIpv4?.gateway || guestIpv6?.gateway),
  },
  {
    ...{ id: 'tap', title: columns.tap, hideBelow: 'desktop' },
    cell: ({ tapDevice }) => mono(tapDevice),
  },
];

function addressText(address: InterfaceAddress | undefined): string | undefined {
  return address === undefined ? undefined : `${address.address}/${address.prefixLength}`;
}

function mono(text: string | undefined): ReactNode {
  return <span className="mono">{text === undefined || text === '' ? UNKNOWN.value : text}</span>;
}

function bootFacts(boot: BootConfig | undefined): readonly Fact[] {
  const { facts, starts } = configuration;
  const { firmware, machine } = boot?.bootOptions ?? {};
  const type: Fact = [facts.machine, machine ?? configuration.defaults];
  if (firmware === 'bios' || firmware === 'uefi') return [[facts.starts, starts[firmware]], type];
  return [
    [facts.starts, starts.kernel],
    type,
    [facts.kernel, mono(boot?.kernelPath)],
    [facts.initrd, mono(boot?.initrdPath)],
    [facts.args, mono(boot?.kernelArgs)],
  ];
}

type Entry = readonly [key: string, value: string];

const METADATA: readonly Column<Entry>[] = [
  { id: 'key', title: columns.key, cell: ([key]) => key },
  { id: 'value', title: columns.value, width: 'grow', cell: ([, value]) => value },
];

function Metadata({ metadata }: { readonly metadata: Readonly<Record<string, string>> }) {
  const rows = Object.entries(metadata);
  if (rows.length === 0) return null;
  return (
    <Section title={configuration.metadata}>
      <Table
        label={configuration.metadata}
        rows={rows}
        rowKey={([key]) => key}
        columns={METADATA}
      />
    </Section>
  );
}

function WholeConfiguration({ text }: { readonly text: string }) {
  return (
    <Section
      title={configuration.whole}
      actions={<CopyButton text={text} label={configuration.copy} />}
    >
      <div className="configuration">
        <pre>{text}</pre>
      </div>
    </Section>
  );
}
