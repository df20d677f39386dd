/** Turns VMs on and off. Each is harmless where it is so already. */
import { DroverError } from '#kernel/errors.ts';
import type { PowerState } from '#transfers/source-vm.ts';
import { readPowerState } from './inventory.ts';
import { operation, type ManagedObject } from './managed-object.ts';
import { retrieveOne } from './property-collector.ts';
import type { VSphereSession } from './session.ts';
import { runTask } from './tasks.ts';
import { vmGone } from './vm-details.ts';
import { isFault } from './vsphere-fault.ts';

export async function powerOff(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<void> {
  const act = () => runTask(session, operation('PowerOffVM_Task', vm), signal);
  await unlessIn('poweredOff', { session, vm, act }, signal);
}

export async function powerOn(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<void> {
  const act = () => runTask(session, operation('PowerOnVM_Task', vm), signal);
  await unlessIn('poweredOn', { session, vm, act }, signal);
}

/** Returns when the guest was asked. */
export async function shutDownGuest(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<void> {
  const act = async () => {
    try {
      await session.change(operation('ShutdownGuest', vm), signal);
    } catch (thrown) {
      throw isFault(thrown, 'ToolsUnavailable') ? noTools(thrown) : thrown;
    }
  };
  await unlessIn('poweredOff', { session, vm, act }, signal);
}

interface Act {
  readonly session: VSphereSession;
  readonly vm: ManagedObject;
  readonly act: () => Promise<unknown>;
}

/** Asks before, and again after a refusal: the state may have changed in between. */
async function unlessIn(
  wanted: PowerState,
  { session, vm, act }: Act,
  signal: AbortSignal,
): Promise<void> {
  if ((await readState(session, vm, signal)) === wanted) return;
  try {
    await act();
  } catch (thrown) {
    if (!isFault(thrown, 'InvalidPowerState')) throw thrown;
    if ((await readState(session, vm, signal)) !== wanted) throw thrown;
  }
}

async function readState(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<PowerState> {
  const found = await retrieveOne(session, vm, ['runtime.powerState'], signal);
  if (found === undefined) throw vmGone(vm.id);
  return readPowerState(found.text('runtime.powerState'));
}

function noTools(cause: unknown): DroverError {
  return new DroverError(
    'failed_precondition',
    'VMware Tools do not run in the guest, so it cannot be asked to shut down: power it off',
    { reason: 'VSPHERE_TOOLS_UNAVAILABLE', cause },
  );
}
