/** From an accepted command to what came of it. Delete is the actor's own: it ends the actor. */
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { RunningGuest } from './hypervisor.ts';
import type { MachineCommand } from './machine-command.ts';
import {
  boot,
  control,
  kill,
  observe,
  settleStopped,
  stopGracefully,
  type HostParts,
  type Stop,
} from './machine-operations.ts';
import type { Machine, MachineState } from './machine.ts';

export type CommandResult =
  | {
      readonly kind: 'changed';
      readonly state: MachineState;
      /** The guest as it is now; undefined when it is stopped. */
      readonly guest: RunningGuest | undefined;
      readonly reason: string;
      readonly message: string;
      readonly detail: string;
      readonly isReboot: boolean;
      /** The run began anew. */
      readonly isFreshBoot: boolean;
      /** The state changed, yet the command failed: the caller gets this. */
      readonly error: DroverError | undefined;
    }
  | { readonly kind: 'unchanged'; readonly detail: string }
  /** Refused before anything was done. */
  | { readonly kind: 'denied'; readonly error: DroverError }
  | { readonly kind: 'failed'; readonly error: DroverError }
  | { readonly kind: 'removed' };

type Changed = Extract<CommandResult, { kind: 'changed' }>;

export interface Run {
  readonly machine: Machine;
  readonly command: Exclude<MachineCommand, { kind: 'delete' }>;
  readonly guest: RunningGuest | undefined;
  /** Aborts when the process goes away. */
  readonly signal: AbortSignal;
  /** Aborts when nobody will wait for the guest any longer; nothing else stops by it. */
  readonly patience: AbortSignal;
}

type StopCommand = Extract<MachineCommand, { kind: 'shutdown' | 'reboot' }>;

export async function runCommand(host: HostParts, run: Run): Promise<CommandResult> {
  try {
    return await perform(host, run);
  } catch (thrown) {
    const { guest, machine, command } = run;
    const state = guest === undefined ? undefined : await observe(host, guest, run.patience);
    if (state === undefined || state === machine.state) throw thrown;
    // Half done: resumed for a shutdown that was given up, or paused when the time was over.
    const message = `the VM is ${state} after a ${command.kind} that failed`;
    return {
      ...changed(guest, { state, detail: 'failed', reason: 'observed', message }),
      error: toDroverError(thrown),
    };
  }
}

async function perform(host: HostParts, run: Run): Promise<CommandResult> {
  const { machine, command, patience } = run;
  switch (command.kind) {
    case 'boot':
      return await runBoot(host, run);
    case 'pause':
      await control(host, { what: 'pausing the VM', patience }, (s) => guestOf(run).pause(s));
      return changed(guestOf(run), { state: 'paused', detail: 'paused' });
    case 'resume':
      await control(host, { what: 'resuming the VM', patience }, (s) => guestOf(run).resume(s));
      return changed(guestOf(run), { state: 'running', detail: 'resumed' });
    case 'shutdown': {
      const told = stopToTold(await stop(host, run, command));
      await settleStopped(host, machine);
      return changed(undefined, { state: 'shutdown', ...told });
    }
    case 'reboot':
      return await runReboot(host, run, command);
    default:
      return command satisfies never;
  }
}

async function runBoot(host: HostParts, { machine, signal }: Run): Promise<Changed> {
  const guest = await boot(host, machine, signal);
  return { ...changed(guest, { state: 'running', detail: 'booted' }), isFreshBoot: true };
}

async function runReboot(host: HostParts, run: Run, command: StopCommand): Promise<Changed> {
  if (command.force) {
    await control(host, { what: 'resetting the VM', patience: run.patience }, (s) =>
      guestOf(run).reset(s),
    );
    return {
      ...changed(guestOf(run), { state: 'running', detail: 'reset' }),
      isReboot: true,
      isFreshBoot: true,
    };
  }
  const stopped = await stop(host, run, command);
  const told = stopToTold(stopped);
  if (stopped.kind === 'killed-by-later-command') {
    await settleStopped(host, run.machine);
    return { ...changed(undefined, { state: 'shutdown', ...told }), error: supersededError(run) };
  }
  const reboot = { isReboot: true, isFreshBoot: true };
  try {
    const guest = await boot(host, run.machine, run.signal);
    return { ...changed(guest, { state: 'running', ...told, reason: 'requested' }), ...reboot };
  } catch (thrown) {
    const cause = toDroverError(thrown);
    const message = `stopped for a reboot, then not started: ${cause.message}`;
    const { kind, reason, metadata } = cause;
    const error = new DroverError(kind, message, { reason, metadata, cause });
    const stopped = { state: 'shutdown', detail: told.detail, reason: 'not-restarted' } as const;
    return { ...changed(undefined, { ...stopped, message }), error };
  }
}

async function stop(host: HostParts, run: Run, command: StopCommand): Promise<Stop> {
  if (command.force) {
    await kill(host, guestOf(run));
    return { kind: 'killed' };
  }
  return await stopGracefully(host, guestOf(run), {
    timeoutMs: command.timeoutMs,
    isPaused: run.machine.state === 'paused',
    patience: AbortSignal.any([run.signal, run.patience]),
  });
}

const KILLED_MESSAGES = {
  killed: 'killed on request',
  'killed-after-timeout': 'killed: the guest did not power off in time',
  'killed-by-later-command': 'killed: a later command forced it while the guest was being asked',
} as const;

/** `detail` is for the caller, `reason` for the event. */
function stopToTold(stopped: Stop) {
  if (stopped.kind !== 'guest') {
    const { kind } = stopped;
    return { detail: kind, reason: kind, message: KILLED_MESSAGES[kind] };
  }
  const { reason, message } = stopped.exit;
  if (reason !== 'guest-poweroff') return { detail: reason, reason, message };
  return { detail: 'guest', reason: 'requested', message: 'the guest powered off when asked' };
}

function supersededError({ machine }: Run): DroverError {
  return new DroverError(
    'aborted',
    `VM ${machine.id} was not rebooted: a later command forced it down`,
    { reason: 'SUPERSEDED', metadata: { vm_id: machine.id } },
  );
}

function guestOf({ guest, machine }: Run): RunningGuest {
  if (guest !== undefined) return guest;
  throw new DroverError('unavailable', `the process of VM ${machine.id} is not under control`, {
    reason: 'GUEST_NOT_ATTACHED',
  });
}

function changed(
  guest: RunningGuest | undefined,
  what: { state: MachineState; detail: string; reason?: string; message?: string },
): Changed {
  return {
    kind: 'changed',
    state: what.state,
    guest,
    detail: what.detail,
    reason: what.reason ?? 'requested',
    message: what.message ?? `${what.detail} on request`,
    isReboot: false,
    isFreshBoot: false,
    error: undefined,
  };
}
