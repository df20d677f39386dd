/** What one wants to know of a machine before anything else. */
import type { GetVmInfoResponse } from '#gen/vmprovisioner/v1/vm_pb.js';
import { Age } from '#web/components/Age.tsx';
import { CopyButton } from '#web/components/CopyButton.tsx';
import { Facts, type Fact } from '#web/components/Facts.tsx';
import { Num } from '#web/components/Num.tsx';
import { bytes, count, percent } from '#web/format/numbers.ts';
import { duration, parseInstant } from '#web/format/times.ts';
import { MACHINES } from '#web/text/machines.ts';
import { useLoads } from './machine-queries.ts';

const { facts, copyId } = MACHINES.one;

export function MachineFacts({ vm }: { readonly vm: GetVmInfoResponse }) {
  const { config, metrics } = vm;
  const memory = config?.memory?.sizeBytes;
  // The API tells 0 where it does not know yet; what is measured tells nothing then.
  const { data: loads } = useLoads(vm.vmId);
  const cpu = metrics === undefined ? null : loads?.get(vm.vmId)?.cpu;
  const items: Fact[] = [
    [facts.reason, vm.stateMessage === '' ? '–' : vm.stateMessage],
    [facts.since, <Age key="since" at={parseInstant(vm.stateChangedAt)} />],
    [facts.uptime, <Uptime key="uptime" seconds={metrics?.uptimeSeconds} />],
    [facts.cpu, <Num key="cpu" of={percent(cpu)} />],
    [facts.vcpus, <Num key="vcpus" of={count(config?.cpu?.vcpuCount)} />],
    [facts.memory, <Num key="held" of={bytes(toNumber(metrics?.memoryUsageBytes))} />],
    [facts.size, <Num key="size" of={bytes(toNumber(memory))} />],
    [facts.address, <Addresses key="address" vm={vm} />],
    [facts.customer, vm.customerId],
    [
      facts.id,
      <span key="id" className="with-copy">
        <span className="mono">{vm.vmId}</span>
        <CopyButton text={vm.vmId} label={copyId} />
      </span>,
    ],
  ];
  return <Facts items={items} />;
}

function Uptime({ seconds }: { readonly seconds: bigint | undefined }) {
  return <span className="num">{duration(toNumber(seconds))}</span>;
}

function Addresses({ vm: { networkInfo } }: { readonly vm: GetVmInfoResponse }) {
  const addresses = (networkInfo?.interfaces ?? []).flatMap(({ guestIpv4, guestIpv6 }) =>
    [guestIpv4?.address, guestIpv6?.address].filter((text) => text !== undefined),
  );
  if (addresses.length === 0) return <span className="num">{duration(null)}</span>;
  return (
    <>
      {addresses.map((address) => (
        <div key={address} className="num">
          {address}
        </div>
      ))}
    </>
  );
}

function toNumber(value: bigint | undefined): number | null {
  return value === undefined ? null : Number(value);
}
