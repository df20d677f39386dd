/**
 * What each command does to the machine it was accepted for. An operation acts on the guest and
 * the host, and answers with what is to be recorded; it writes nothing itself. If it throws, the
 * machine is as it was, or the exit of its guest will be observed and recorded by the actor.
 *
 * Each call into the host is bounded here as well, in case the host itself does not answer: then
 * the machine it was for is let go of, and its caller told.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { HostCapacity } from './host-capacity.ts';
import type { HostNetwork } from './host-network.ts';
import type { GuestExit, Hypervisor, RunningGuest } from './hypervisor.ts';
import type { Machine } from './machine.ts';
import { withNicKernelArgs } from './nic-kernel-args.ts';

/** Bounds on what the hypervisor may take; the guest's own time is the command's `timeoutMs`. */
const LAUNCH_MS = 60 * SECOND_MS;
const ADOPT_MS = 10 * SECOND_MS;
const CONTROL_MS = 10 * SECOND_MS;
const STATUS_MS = 2 * SECOND_MS;
/** What is left of a command that a forced one waits for. */
const HURRIED_MS = 300;
const KILL_MS = 15 * SECOND_MS;
const TEARDOWN_MS = 30 * SECOND_MS;
const ASK_AGAIN_MS = 5 * SECOND_MS;

export interface HostParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly hypervisor: Hypervisor;
  readonly network: HostNetwork;
  readonly capacity: HostCapacity;
}

/** How a guest came to its end when it was told to stop. */
export type Stop =
  /** By itself, by asking or not: its exit tells. */
  | { readonly kind: 'guest'; readonly exit: GuestExit }
  | { readonly kind: 'killed' | 'killed-after-timeout' | 'killed-by-later-command' };

/** Why a wait for the guest was cut short. */
export const SUPERSEDED = new DroverError('aborted', 'a later command forces the machine down', {
  reason: 'SUPERSEDED',
});

export async function boot(
  host: HostParts,
  machine: Machine,
  signal: AbortSignal,
): Promise<RunningGuest> {
  host.capacity.reserve(machine.id, machine.spec);
  const { id: machineId, customerId, spec, leases } = machine;
  let launching: Promise<RunningGuest> | undefined;
  try {
    const limit = { ms: LAUNCH_MS, what: `starting VM ${machineId}`, signal };
    return await bounded(host, limit, async (until) => {
      const order = { machineId, customerId, nics: spec.nics, leases };
      const nics = await host.network.attach(order, until);
      until.throwIfAborted();
      const addressed = withNicKernelArgs(spec, nics, spec.metadata['name'] ?? machineId);
      const request = { machineId, customerId, spec: addressed, nics };
      launching = host.hypervisor.launch(request, until);
      return await launching;
    });
  } catch (thrown) {
    await abandonBoot(host, machine);
    if (launching !== undefined) void endLateGuest(host, machine, launching);
    throw thrown;
  }
}

/** A launch that failed half-way may have left a process; none may run that nobody knows of. */
async function abandonBoot(host: HostParts, machine: Machine): Promise<void> {
  try {
    await using guest = await adopt(host, { ...machine, process: undefined });
    if (guest !== undefined) await kill(host, guest);
  } catch (thrown) {
    const error = toDroverError(thrown);
    host.log.error({ machineId: machine.id, error }, 'a failed launch may have left a process');
  }
  await settleStopped(host, machine);
}

/** A launch that was given up comes to its end after all, unless it was tried again meanwhile. */
async function endLateGuest(
  host: HostParts,
  machine: Machine,
  launching: Promise<RunningGuest>,
): Promise<void> {
  try {
    await using guest = await launching;
    if (!host.capacity.holds(machine.id)) await kill(host, guest);
  } catch (thrown) {
    const error = toDroverError(thrown);
    host.log.debug({ machineId: machine.id, error }, 'a launch that was given up has ended');
  }
}

/** The guest as an earlier process left it, or undefined when there is none. */
export async function adopt(
  host: HostParts,
  { id, process }: Pick<Machine, 'id' | 'process'>,
  signal?: AbortSignal,
): Promise<RunningGuest | undefined> {
  const limit = { ms: ADOPT_MS, what: `finding the process of VM ${id}`, signal };
  return await bounded(host, limit, (until) => host.hypervisor.adopt(id, process, until));
}

/**
 * Puts the network of a machine that was found running back in order: its devices are there, but
 * the rules around them may have gone meanwhile. The machine is kept whatever comes of it.
 */
export async function reattach(host: HostParts, machine: Machine): Promise<void> {
  const { id: machineId, customerId, spec, leases } = machine;
  const limit = { ms: TEARDOWN_MS, what: `restoring the network of VM ${machineId}` };
  try {
    const order = { machineId, customerId, nics: spec.nics, leases };
    await bounded(host, limit, (until) => host.network.attach(order, until));
  } catch (thrown) {
    const error = toDroverError(thrown);
    host.log.error({ machineId, error }, 'the network of a running machine was not restored');
  }
}

/** Undefined when the guest does not say. */
export async function observe(
  host: HostParts,
  guest: RunningGuest,
  patience?: AbortSignal,
): Promise<'running' | 'paused' | undefined> {
  try {
    const ms = patience?.reason === SUPERSEDED ? HURRIED_MS : STATUS_MS;
    const limit = { ms, what: 'asking for the status of the VM' };
    return await bounded(host, limit, (until) => guest.status(until));
  } catch (thrown) {
    host.log.debug({ error: toDroverError(thrown) }, 'a guest did not tell its status');
    return undefined;
  }
}

/** Gives back what a running machine held of the host. A tap that stays is removed by delete. */
export async function settleStopped(host: HostParts, machine: Machine): Promise<void> {
  host.capacity.release(machine.id);
  try {
    const limit = { ms: TEARDOWN_MS, what: 'removing the network of the VM' };
    await bounded(host, limit, (s) => host.network.detach(machine.id, machine.spec.nics, s));
  } catch (thrown) {
    const error = toDroverError(thrown);
    host.log.warn({ machineId: machine.id, error }, 'network devices of a stopped VM stay behind');
  }
}

/**
 * What a healthy guest does in milliseconds. When a later command forces the machine down, a guest
 * that is stuck has only HURRIED_MS left, so that force does not wait behind it.
 */
export async function control(
  host: HostParts,
  { what, patience }: { readonly what: string; readonly patience: AbortSignal },
  call: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const hurried = new AbortController();
  let timer: Timer | undefined;
  const onImpatient = () => {
    if (patience.reason !== SUPERSEDED) return;
    timer = host.clock.after(HURRIED_MS, () => hurried.abort(SUPERSEDED));
  };
  patience.addEventListener('abort', onImpatient, { once: true });
  if (patience.aborted) onImpatient();
  try {
    await bounded(host, { ms: CONTROL_MS, what, signal: hurried.signal }, call);
  } finally {
    patience.removeEventListener('abort', onImpatient);
    timer?.cancel();
  }
}

export async function kill(host: HostParts, guest: RunningGuest): Promise<GuestExit> {
  const limit = { ms: KILL_MS, what: 'ending the process of the VM' };
  return await bounded(host, limit, async (until) => {
    await guest.kill(until);
    return await guest.exited;
  });
}

/**
 * Asks the guest to stop, waits while asking again, then kills. `patience` aborts with SUPERSEDED
 * when a later command forces the issue: then the kill comes at once; with anything else the wait
 * is given up and the guest is left alone.
 */
export async function stopGracefully(
  host: HostParts,
  guest: RunningGuest,
  options: {
    readonly timeoutMs: number;
    readonly isPaused: boolean;
    readonly patience: AbortSignal;
  },
): Promise<Stop> {
  const { timeoutMs, isPaused, patience } = options;
  const timedOut = new DroverError('deadline_exceeded', 'the guest did not power off in time');
  const waiting = new AbortController();
  const until = AbortSignal.any([patience, waiting.signal]);
  try {
    until.throwIfAborted();
    // A paused guest cannot hear its power button.
    if (isPaused)
      await control(host, { what: 'resuming the VM', patience }, (s) => guest.resume(s));
    using _timer = host.clock.after(timeoutMs, () => waiting.abort(timedOut));
    return { kind: 'guest', exit: await askUntilGone(host, guest, until) };
  } catch (thrown) {
    if (thrown !== timedOut && thrown !== SUPERSEDED) throw thrown;
    await kill(host, guest);
    return { kind: thrown === timedOut ? 'killed-after-timeout' : 'killed-by-later-command' };
  }
}

/** A guest that is still booting does not hear its button, so it is pressed again. */
async function askUntilGone(
  host: HostParts,
  guest: RunningGuest,
  until: AbortSignal,
): Promise<GuestExit> {
  for (;;) {
    await askToPowerOff(host, guest, until);
    using patience = openDeadline(host.clock, ASK_AGAIN_MS, 'powering off', until);
    try {
      return await untilAborted(guest.exited, patience.signal);
    } catch (thrown) {
      until.throwIfAborted();
      if (!patience.signal.aborted) throw thrown;
    }
  }
}

async function askToPowerOff(
  host: HostParts,
  guest: RunningGuest,
  until: AbortSignal,
): Promise<void> {
  until.throwIfAborted();
  try {
    await untilAborted(guest.askToPowerOff(until), until);
  } catch (thrown) {
    until.throwIfAborted();
    // A guest that cannot be asked is still given its time: it may be going down by itself.
    host.log.warn({ error: toDroverError(thrown) }, 'the guest could not be asked to power off');
  }
}

/** Removes all that the machine has on this host; throws while anything is left. */
export async function teardown(host: HostParts, machine: Machine): Promise<void> {
  const limit = { ms: TEARDOWN_MS, what: `removing VM ${machine.id}` };
  await bounded(host, limit, async (until) => {
    await host.network.detach(machine.id, machine.spec.nics, until);
    until.throwIfAborted();
    await host.hypervisor.discard(machine.id, until);
  });
  host.capacity.release(machine.id);
}

interface Limit {
  readonly ms: number;
  /** What takes too long, for the error. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

async function bounded<T>(
  { clock }: HostParts,
  { ms, what, signal }: Limit,
  call: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  using deadline = openDeadline(clock, ms, what, signal);
  deadline.signal.throwIfAborted();
  return await untilAborted(call(deadline.signal), deadline.signal);
}
