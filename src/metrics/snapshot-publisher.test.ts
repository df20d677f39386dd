import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SnapshotEvent } from '#events/event.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import type { MachineReading } from './host-readings.ts';
import type { CompletedTick } from './sampler.ts';
import { SnapshotPublisher, type SnapshotSubject } from './snapshot-publisher.ts';

const machineId = 'vm_1' as MachineId;
const customerId = 'ada' as CustomerId;
const MACHINE: MachineReading = {
  ...{ machineId, customerId },
  cpuUsageBps: 100,
  memory: undefined,
  disks: [],
  interfaces: [],
};

function tickAt(ms: number): CompletedTick {
  const readings = { cpuUsageBps: 5000, machines: [MACHINE] };
  return { atMs: ms, monotonicMs: ms, intervalMs: 1000, readings };
}

function world(
  isWanted: (subject: SnapshotSubject) => boolean,
  write: () => Promise<void> = () => Promise.resolve(),
) {
  const recorded: SnapshotEvent[] = [];
  const publisher = new SnapshotPublisher({
    identity: { instanceId: 'host-1', accountId: 'acme' },
    intervalMs: 30_000,
    log: silentLog,
    isWanted,
    record: async (_atMs, events) => {
      recorded.push(...events);
      await write();
    },
  });
  const run = async (from: number, to: number) => {
    for (let ms = from; ms <= to; ms += 1000) {
      publisher.onTick(tickAt(ms));
      await publisher.idle();
    }
  };
  return { publisher, recorded, run };
}

describe('publishing snapshots', () => {
  it('writes nothing while nobody wants to hear of it', async () => {
    const { recorded, run } = world(() => false);
    await run(0, 60_000);
    assert.deepEqual(recorded, []);
  });

  it('writes the host each so often', async () => {
    const { recorded, run } = world((subject) => subject.machineId === undefined);
    await run(0, 89_000);
    assert.deepEqual(
      recorded.map(({ instanceId, accountId, snapshot }) => [
        instanceId,
        accountId,
        snapshot.atMs,
        snapshot.cpuUsageBps,
      ]),
      [0, 30_000, 60_000].map((ms) => ['host-1', 'acme', ms, 5000]),
    );
  });

  it('writes a machine under its own name and its owner', async () => {
    const { recorded, run } = world((subject) => subject.customerId === customerId);
    await run(0, 1000);
    const [event] = recorded;
    assert.equal(recorded.length, 1);
    assert.equal(event?.machineId, machineId);
    assert.equal(event?.customerId, customerId);
    assert.equal(event?.instanceId, 'vm_1');
    assert.equal(event?.accountId, 'ada');
  });

  it('goes on after a write that failed, and does not wait for a slow one', async () => {
    const failing = world(
      () => true,
      () => Promise.reject(new DroverError('unavailable', 'no database')),
    );
    await failing.run(0, 30_000);
    assert.equal(failing.recorded.length, 4);
    const never = Promise.withResolvers<void>();
    const slow = world(
      () => true,
      () => never.promise,
    );
    for (let ms = 0; ms <= 120_000; ms += 1000) slow.publisher.onTick(tickAt(ms));
    assert.equal(slow.recorded.length, 2);
    never.resolve();
    await slow.publisher.idle();
  });
});
