import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineEvent, MachineStateName } from '#events/event.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { HostRoster } from './host-roster.ts';

const machineId = 'vm_1' as MachineId;
const customerId = 'ada' as CustomerId;

function changed(state: MachineStateName, reason: string): MachineEvent {
  const told = { reason, message: '' };
  return { kind: 'machine.state-changed', from: 'running', state, machineId, customerId, ...told };
}

function rosterAfter(...events: readonly MachineEvent[]): readonly unknown[] {
  const roster = new HostRoster();
  roster.hear(events);
  return [...roster.entries];
}

describe('the roster of a host', () => {
  it('has a machine up that runs or is paused', () => {
    const up = [{ machineId, customerId, isUp: true }];
    assert.deepEqual(rosterAfter(changed('running', 'requested')), up);
    assert.deepEqual(rosterAfter(changed('paused', 'requested')), up);
  });

  it('has a machine down that ended by itself, until it is booted or deleted', () => {
    const crashed = changed('shutdown', 'guest-panic');
    assert.deepEqual(rosterAfter(crashed), [{ machineId, customerId, isUp: false }]);
    assert.deepEqual(rosterAfter(crashed, changed('running', 'requested')), [
      { machineId, customerId, isUp: true },
    ]);
    const told = { reason: 'requested', message: '' };
    const deleted = { kind: 'machine.deleted', state: 'shutdown' } as const;
    assert.deepEqual(rosterAfter(crashed, { ...deleted, machineId, customerId, ...told }), []);
  });

  it('has none that was shut down as asked', () => {
    const running = changed('running', 'requested');
    for (const reason of ['requested', 'guest-poweroff', 'killed-after-timeout']) {
      assert.deepEqual(rosterAfter(running, changed('shutdown', reason)), [], reason);
    }
  });
});
