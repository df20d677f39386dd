/**
 * Reads /proc, to tell one process from a later one that got the same pid, and to see what it
 * uses. A pid alone is never trusted: it is always checked together with its start time.
 */
import { readFile, readdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';

import { systemErrorCode } from '#kernel/errors.ts';

export interface ProcessStat {
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly residentPages: number;
  /** Dead, but not yet collected by its parent. */
  readonly isZombie: boolean;
}

/** USER_HZ and the page size are the same on every x86-64 Linux. */
export const NANOS_PER_TICK = 10_000_000;
export const PAGE_BYTES = 4096;

/** The text of /proc/PID/stat. The name in it may hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // Field 3 of proc(5), the state, is fields[0].
  const [state] = fields;
  const numbers = [fields[11], fields[12], fields[19], fields[21]].map(Number);
  const [userTicks, systemTicks, startTicks, residentPages] = numbers;
  if (
    state === undefined ||
    userTicks === undefined ||
    systemTicks === undefined ||
    startTicks === undefined ||
    residentPages === undefined ||
    numbers.some(Number.isNaN)
  ) {
    return undefined;
  }
  const isZombie = state === 'Z' || state === 'X';
  return { startTicks, cpuTicks: userTicks + systemTicks, residentPages, isZombie };
}

/** Undefined when there is no such process. */
export async function readProcessStat(pid: number): Promise<ProcessStat | undefined> {
  try {
    return parseProcessStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw thrown;
  }
}

/** Empty when there is no such process. */
export async function readCommandLine(pid: number): Promise<readonly string[]> {
  try {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return text.split('\0').slice(0, -1);
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

/** A process that was started and not yet buried. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** Synchronous, so that nothing can happen between the check and a signal that follows it. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  try {
    const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return stat !== undefined && stat.startTicks === startTicks && !stat.isZombie;
  } catch (thrown) {
    if (isGone(thrown)) return false;
    throw thrown;
  }
}

/** Sends the signal if that very process is still there; says whether it was. */
export function signalProcess(identity: ProcessIdentity, signal: 'SIGKILL' | 'SIGTERM'): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ESRCH') return false;
    throw thrown;
  }
}

/** The pids whose command line passes. One pass over /proc, for when no pid was written down. */
export async function findProcesses(
  matches: (commandLine: readonly string[]) => boolean,
): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && matches(await readCommandLine(pid))) found.push(pid);
  }
  return found;
}

function isGone(thrown: unknown): boolean {
  const code = systemErrorCode(thrown);
  return code === 'ENOENT' || code === 'ESRCH';
}
