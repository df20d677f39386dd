import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { VmInfoSchema, VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { chooseRows, toMachineRow } from './machine-rows.ts';
import { standingOf } from './machine-state.ts';

const LOADS = new Map([
  ['vm_1', { cpu: 12, memory: 50 }],
  ['vm_2', { cpu: 99, memory: 99 }],
]);

function rowOf(id: string, state: VmState, facts: { name?: string; reason?: string } = {}) {
  const { name, reason = 'requested' } = facts;
  const metadata = name === undefined ? {} : { name };
  const allowedCommands = ['boot'];
  const vm = { vmId: id, state, metadata, allowedCommands, stateReason: reason, customerId: '123' };
  return toMachineRow(create(VmInfoSchema, vm), LOADS);
}

const ROWS = [
  rowOf('vm_1', VmState.RUNNING, { name: 'web-1' }),
  rowOf('vm_2', VmState.SHUTDOWN, { name: 'web-2' }),
  rowOf('vm_3', VmState.SHUTDOWN, { reason: 'guest-panic' }),
  rowOf('vm_4', VmState.UNSPECIFIED),
];

describe('rows of machines', () => {
  it('are called by name where there is one', () => {
    assert.deepEqual(
      ROWS.map(({ name }) => name),
      ['web-1', 'web-2', 'vm_3', 'vm_4'],
    );
  });

  it('use nothing while they are off, whatever was measured before', () => {
    assert.deepEqual(
      ROWS.map(({ load }) => load.cpu),
      [12, null, null, null],
    );
  });

  it('are chosen by words and by state', () => {
    const ids = (q: string, state = '') => chooseRows(ROWS, { q, state }).map(({ id }) => id);
    assert.deepEqual(ids('WEB'), ['vm_1', 'vm_2']);
    assert.deepEqual(ids('web running'), ['vm_1']);
    assert.deepEqual(ids('', 'shutdown'), ['vm_2', 'vm_3']);
    assert.deepEqual(ids('', 'crashed'), ['vm_3']);
    assert.deepEqual(ids('123', 'nonsense'), []);
  });
});

describe('standingOf', () => {
  it('tells a crash from an end that was asked for, and what is being deleted', () => {
    assert.deepEqual(
      ROWS.map(({ vm }) => standingOf(vm).kind),
      ['ok', 'idle', 'error', 'unknown'],
    );
    const going = { state: VmState.RUNNING, stateReason: '', allowedCommands: [] };
    assert.deepEqual(standingOf(going), { kind: 'busy', text: 'Deleting' });
  });
});
