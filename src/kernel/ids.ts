/**
 * Ids are branded strings, so that handing a host's id to something that wants a machine's does
 * not compile. They enter through a parser at the edge, or are made here.
 */
import { randomHex, timedUuid } from './random.ts';

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type MachineId = Id<'machine'>;
export type CustomerId = Id<'customer'>;
export type HostId = Id<'host'>;
export type IntentId = Id<'intent'>;
export type TokenId = Id<'token'>;
export type JobId = Id<'job'>;
export type ScheduleId = Id<'schedule'>;
export type DiskId = Id<'disk'>;
export type ServerId = Id<'server'>;

const MACHINE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const CUSTOMER_ID = /^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,127}$/;
const DISK_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const SCHEDULE_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const HOST_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const SERVER_ID = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

export function isMachineId(text: string): text is MachineId {
  return MACHINE_ID.test(text);
}

export function isCustomerId(text: string): text is CustomerId {
  return CUSTOMER_ID.test(text);
}

export function isHostId(text: string): text is HostId {
  return HOST_ID.test(text);
}

export function isJobId(text: string): text is JobId {
  return JOB_ID.test(text);
}

/** Names a file too, so it can be none of `.` and `/`. */
export function isDiskId(text: string): text is DiskId {
  return DISK_ID.test(text);
}

export function isScheduleId(text: string): text is ScheduleId {
  return SCHEDULE_ID.test(text);
}

export function isServerId(text: string): text is ServerId {
  return SERVER_ID.test(text);
}

/** Sixteen hex digits after `vm_`: enough that two hosts never make the same one. */
export function createMachineId(): MachineId {
  return `vm_${randomHex(8)}` as MachineId;
}

export function createDiskId(): DiskId {
  return `disk_${randomHex(8)}` as DiskId;
}

export function createIntentId(): IntentId {
  return `in_${randomHex(8)}` as IntentId;
}

export function createTokenId(): TokenId {
  return `tok_${randomHex(6)}` as TokenId;
}

/** Clients expect ids of jobs to be UUIDs; those they choose themselves need not be. */
export function createJobId(): JobId {
  return timedUuid() as JobId;
}
