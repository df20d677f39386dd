/**
 * How many workers an app should have. Up at once, down slowly:
 *
 *   desired = load / (concurrency × 0.9), rounded up, within min..max;  load = in flight + queued
 *
 * - Up when work queues: to `desired`, but no more starts under way than there is work queued.
 * - Up by one, before anything queues, when fewer than a tenth of the slots are free; only where a
 *   tenth is at least one slot of a worker.
 * - Up by one when the event loops were more than 80 % busy over 10 s, every 20 s at most.
 * - Down by one, every 5 s at most, when there are more than desired and one was idle for the idle
 *   timeout; not while the loops of an app with work are more than 20 % busy on average.
 */
import { SECOND_MS } from '#kernel/units.ts';

export const TARGET_LOAD = 0.9;
/** Fewer slots a worker leave no whole one free at the target. */
export const SLOTS_FOR_RESERVE = 10;
const BUSY_UTILIZATION = 0.8;
const QUIET_UTILIZATION = 0.2;
const UP_COOLDOWN_MS = 20 * SECOND_MS;
const DOWN_COOLDOWN_MS = 5 * SECOND_MS;

export interface AppLoad {
  readonly inFlight: number;
  readonly queued: number;
  /** Workers that stay: not draining, and not about to be replaced. Those being created too. */
  readonly have: number;
  readonly creating: number;
  readonly concurrency: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
}

export interface LoopLoad {
  /** Of the app's event loops, 0 to 1, over 10 s; undefined until there are 10 s to look at. */
  readonly utilization: number | undefined;
  /** Since a worker was last added for this reason, or taken away. */
  readonly sinceChangeMs: number;
}

export function desiredWorkers(load: AppLoad): number {
  const slots = load.concurrency * TARGET_LOAD;
  const wanted = Math.ceil((load.inFlight + load.queued) / slots);
  return Math.min(load.maxWorkers, Math.max(load.minWorkers, wanted));
}

/** How many more are needed now, because the floor is not reached or work waits. */
export function workersNeeded(load: AppLoad): number {
  const belowFloor = load.minWorkers - load.have;
  const missing = desiredWorkers(load) - load.have;
  return Math.max(0, belowFloor, Math.min(missing, load.queued - load.creating));
}

/** Whether one more would do good before work has to wait. */
export function isReserveShort(load: AppLoad): boolean {
  if (load.concurrency < SLOTS_FOR_RESERVE || load.creating > 0) return false;
  return load.have > 0 && desiredWorkers(load) > load.have;
}

/** Whether the event loops are too busy for the workers there are. */
export function areLoopsShort(load: AppLoad, loops: LoopLoad): boolean {
  if (loops.utilization === undefined || loops.sinceChangeMs < UP_COOLDOWN_MS) return false;
  const mayGrow = load.creating === 0 && load.have > 0 && load.have < load.maxWorkers;
  return mayGrow && loops.utilization > BUSY_UTILIZATION;
}

/** Whether a worker that was idle for the idle timeout may go. */
export function hasSurplus(load: AppLoad, loops: LoopLoad): boolean {
  if (load.have <= desiredWorkers(load) || loops.sinceChangeMs < DOWN_COOLDOWN_MS) return false;
  return load.inFlight === 0 || (loops.utilization ?? 0) <= QUIET_UTILIZATION;
}
