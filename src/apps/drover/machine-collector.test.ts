import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineEvent } from '#events/event.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { MIB } from '#kernel/units.ts';
import { HostRoster } from '#machines/host-roster.ts';
import type { GuestStats } from '#machines/hypervisor.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { Sampler } from '#metrics/sampler.ts';
import { MachineCollector } from './machine-collector.ts';

const NANOS_PER_MS = 1e6;
const NO_STATS: GuestStats = {
  cpuTimeNanos: 0,
  cpuPercent: undefined,
  memoryBytes: 64 * MIB,
  diskReadBytes: 4096,
  diskWriteBytes: 1024,
  diskReadOps: 3,
  diskWriteOps: 2,
  netRxBytes: undefined,
  netTxBytes: undefined,
  netRxPackets: undefined,
  netTxPackets: undefined,
  sampledAt: 0,
};

function moved(machineId: string, state: 'running' | 'shutdown', reason: string): MachineEvent {
  const ids = { machineId: machineId as MachineId, customerId: 'ada' as CustomerId };
  return { kind: 'machine.state-changed', from: 'created', state, reason, message: '', ...ids };
}

/** Whose machines each use half of one of their two processors. */
function world() {
  const clock = new FakeClock();
  const roster = new HostRoster();
  const table = new SampleTable();
  const hanging = new Set<string>();
  const collector = new MachineCollector({
    table,
    roster,
    stats: async (id, signal) => {
      if (hanging.has(id)) await clock.sleep(60_000, signal);
      const sampledAt = clock.nowMs();
      return { ...NO_STATS, sampledAt, cpuTimeNanos: sampledAt * NANOS_PER_MS * 0.5 };
    },
    sizeOf: () => Promise.resolve({ vcpus: 2, memoryMib: 256 }),
  });
  const sampler = new Sampler({
    ...{ clock, table, log: silentLog, intervalMs: 1000 },
    collectors: [collector],
  });
  const value = (name: string, machineId: string) =>
    table.find(`drover_machine_${name}`)?.members.get(`customer_id="ada",machine_id="${machineId}"`)
      ?.value;
  return { clock, roster, sampler, hanging, value };
}

describe('the collector of machines', () => {
  it('measures each from the outside, against its own size', async () => {
    const { clock, roster, sampler, value } = world();
    await using _ = sampler;
    roster.hear([moved('vm_1', 'running', 'requested')]);
    sampler.start();
    await clock.advance(2000);
    assert.equal(value('up', 'vm_1'), 1);
    assert.equal(value('cpu_usage_percent', 'vm_1'), 2500);
    assert.equal(value('memory_used_percent', 'vm_1'), 2500);
    assert.equal(value('disk_read_bytes_total', 'vm_1'), 4096);
    assert.equal(value('network_receive_bytes_total', 'vm_1'), undefined);
    const [machine] = sampler.latest?.readings.machines ?? [];
    assert.equal(machine?.cpuUsageBps, 2500);
    assert.equal(machine?.memory?.totalBytes, 256 * MIB);
    assert.deepEqual(machine?.interfaces, []);
    assert.equal(machine?.disks[0]?.sectorsWritten, 2);
  });

  it('shows one that ended by itself as down, and none that was shut down', async () => {
    const { clock, roster, sampler, value } = world();
    await using _ = sampler;
    roster.hear([moved('vm_1', 'running', 'requested'), moved('vm_2', 'running', 'requested')]);
    sampler.start();
    await clock.advance(2000);
    roster.hear([moved('vm_1', 'shutdown', 'guest-panic')]);
    roster.hear([moved('vm_2', 'shutdown', 'requested')]);
    await clock.advance(1000);
    assert.equal(value('up', 'vm_1'), 0);
    assert.equal(value('memory_bytes', 'vm_1'), NaN);
    assert.equal(value('up', 'vm_2'), NaN);
    assert.deepEqual(sampler.latest?.readings.machines, []);
  });

  it('does not let one that hangs keep the others from being measured', async () => {
    const { clock, roster, sampler, hanging, value } = world();
    await using _ = sampler;
    hanging.add('vm_2');
    roster.hear([moved('vm_1', 'running', 'requested'), moved('vm_2', 'running', 'requested')]);
    sampler.start();
    await clock.advance(3000);
    assert.equal(value('up', 'vm_2'), 1);
    assert.equal(value('memory_bytes', 'vm_2'), undefined);
    assert.equal(value('memory_bytes', 'vm_1'), 64 * MIB);
    const ids = sampler.latest?.readings.machines?.map(({ machineId }) => machineId);
    assert.deepEqual(ids, ['vm_1']);
  });
});
