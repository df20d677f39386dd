/** What a process of this host uses, from /proc. */
import { readdir, readFile } from 'node:fs/promises';

/** In USER_HZ, which is 100 on every Linux. */
const TICK_MS = 10;
const KIB = 1024;

/** CPU time since the process began, all its threads together. */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in parentheses and may hold anything, so fields count from there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory, the pages shared with other processes included. */
export async function readRssBytes(pid: number): Promise<number> {
  return await readMemory(pid, /^VmRSS:\s+(\d+) kB$/m);
}

/** The most that it has been so far. */
export async function readPeakRssBytes(pid: number): Promise<number> {
  return await readMemory(pid, /^VmHWM:\s+(\d+) kB$/m);
}

async function readMemory(pid: number, line: RegExp): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = line.exec(status)?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no memory any more`);
  return Number(kib) * KIB;
}

/** CPU time of the process and all that came from it and live: who ended meanwhile is missing. */
export async function readTreeCpuMs(pid: number): Promise<number> {
  let total = 0;
  for (const each of await readTree(pid)) {
    // One that ended since it was listed needs nothing any more.
    total += await readCpuMs(each).catch(() => 0);
  }
  return total;
}

async function readTree(pid: number): Promise<number[]> {
  const found = [pid];
  // Who is added while this runs is visited, too.
  for (const each of found) {
    for (const task of await readdir(`/proc/${each}/task`).catch(() => [])) {
      const path = `/proc/${each}/task/${task}/children`;
      const children = await readFile(path, 'utf8').catch(() => '');
      found.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return found;
}
