import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineId } from '#kernel/ids.ts';
import {
  allowedCommands,
  obeyedCommands,
  COMMAND_KINDS,
  decide,
  deniedError,
  type CommandKind,
  type MachineCommand,
} from './machine-command.ts';
import { MACHINE_STATES, type MachineState } from './machine.ts';

function command(kind: CommandKind, force = false): MachineCommand {
  if (kind === 'shutdown' || kind === 'reboot') return { kind, force, timeoutMs: 1000 };
  return kind === 'delete' ? { kind, force } : { kind };
}

const EXPECTED: Record<CommandKind, Record<MachineState, 'accept' | 'ignore' | 'deny'>> = {
  boot: { created: 'accept', running: 'deny', paused: 'deny', shutdown: 'accept' },
  pause: { created: 'deny', running: 'accept', paused: 'ignore', shutdown: 'deny' },
  resume: { created: 'deny', running: 'ignore', paused: 'accept', shutdown: 'deny' },
  shutdown: { created: 'deny', running: 'accept', paused: 'accept', shutdown: 'ignore' },
  reboot: { created: 'deny', running: 'accept', paused: 'deny', shutdown: 'deny' },
  delete: { created: 'accept', running: 'deny', paused: 'deny', shutdown: 'accept' },
};

describe('the table of commands', () => {
  for (const kind of COMMAND_KINDS) {
    for (const state of MACHINE_STATES) {
      it(`makes ${EXPECTED[kind][state]} of ${kind} in ${state}`, () => {
        assert.equal(decide(command(kind), state).kind, EXPECTED[kind][state]);
      });
    }
  }

  it('accepts a forced delete in every state', () => {
    for (const state of MACHINE_STATES) {
      assert.equal(decide(command('delete', true), state).kind, 'accept');
    }
  });

  it('does not let force change any other command', () => {
    for (const kind of ['shutdown', 'reboot'] as const) {
      for (const state of MACHINE_STATES) {
        assert.deepEqual(decide(command(kind, true), state), decide(command(kind), state));
      }
    }
  });

  it('names the state and what is allowed in a refusal', () => {
    const id = 'vm_1' as MachineId;
    const why = 'it is running already';
    const error = deniedError(id, command('boot'), { state: 'running', why });
    assert.equal(error.kind, 'failed_precondition');
    assert.equal(
      error.message,
      'cannot boot VM vm_1: it is running already ' +
        '(state running; allowed: pause, shutdown, reboot, delete)',
    );
    assert.deepEqual(allowedCommands('created'), ['boot', 'delete']);
  });

  it('tells what a machine would obey, and where only by force', () => {
    const live = { state: 'paused', isDeleting: false } as const;
    assert.deepEqual(obeyedCommands(live), ['resume', 'shutdown', 'force-delete']);
    assert.deepEqual(obeyedCommands({ ...live, state: 'shutdown' }), ['boot', 'delete']);
    assert.deepEqual(obeyedCommands({ ...live, isDeleting: true }), []);
  });
});
