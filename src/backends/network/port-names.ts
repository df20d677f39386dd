/**
 * What a NIC's devices are called. Names follow from the machine and the NIC alone, so they are
 * the same before the devices exist and after a crash; 12 hex digits keep them within the
 * kernel's 15 characters.
 */
import { createHash } from 'node:crypto';

import { isMachineId } from '#kernel/ids.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';

export interface PortNames {
  readonly tap: string;
  /** The device through which what the guest sends is slowed down; exists only with a limit. */
  readonly shaper: string;
}

export function portNames(machineId: MachineId, nicId: string): PortNames {
  const digits = sha256(`${machineId}\n${nicId}`).slice(0, 12);
  return { tap: `dt${digits}`, shaper: `di${digits}` };
}

/** `drover:<bridge>:<machine>:<nic>`: how a device of ours is told from anybody else's. */
export function portAlias(bridge: string, machineId: MachineId, nicId: string): string {
  const isPlain = /^[A-Za-z0-9_.-]{1,64}$/.test(nicId);
  const nic = isPlain ? nicId : `~${sha256(nicId).slice(0, 12)}`;
  return `drover:${bridge}:${machineId}:${nic}`;
}

/** The machine a device of this bridge belongs to; undefined: it is not ours. */
export function machineOfAlias(alias: string, bridge: string): MachineId | undefined {
  const [owner, ofBridge, machineId] = alias.split(':');
  if (owner !== 'drover' || ofBridge !== bridge || machineId === undefined) return undefined;
  return isMachineId(machineId) ? machineId : undefined;
}

/**
 * Two words that stand for a customer in the kernel's tables. One word alone could be the same
 * for two customers by chance. Never 0: that is what an unknown port is given.
 */
export function tenantMarks(customerId: CustomerId): readonly [string, string] {
  const digits = sha256(`customer\n${customerId}`);
  const mark = (at: number) => {
    const word = Number.parseInt(digits.slice(at, at + 8), 16);
    return `0x${(word === 0 ? 1 : word).toString(16)}`;
  };
  return [mark(0), mark(8)];
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
