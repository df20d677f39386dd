/** Processors set apart at boot (`isolcpus=`). */
import { readSysfsText } from './sysfs-file.ts';

/** More are not made; a list that says so is not to be believed. */
const MOST_CPUS = 8192;

export function listIsolatedCpus(sysRoot: string): readonly string[] {
  return parseCpuList(readSysfsText(`${sysRoot}/devices/system/cpu/isolated`) ?? '').map(String);
}

/** `0-2,5` → 0, 1, 2, 5. What is malformed in it is left out. */
export function parseCpuList(text: string): readonly number[] {
  const cpus: number[] = [];
  for (const part of text.split(',')) {
    const range = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (range === null) continue;
    const first = Number(range[1]);
    const last = Math.min(Number(range[2] ?? range[1]), MOST_CPUS);
    for (let cpu = first; cpu <= last; cpu += 1) cpus.push(cpu);
  }
  return cpus;
}
