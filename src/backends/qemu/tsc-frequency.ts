/**
 * How fast this host's time stamp counter runs, read and not measured.
 *
 * A TCG guest sees the host's counter. On microvm with ACPI, Linux has no other clock to start
 * from: it measures the counter against an emulated timer, and when this host is busy at that
 * moment the measurement fails and the guest hangs, for ever, before its first process. So the
 * guest is told the frequency.
 */
import { readFile } from 'node:fs/promises';

import { systemErrorCode } from '#kernel/errors.ts';

const BASE_FREQUENCY = '/sys/devices/system/cpu/cpu0/cpufreq/base_frequency';

/** Undefined when this host does not say; then guests measure for themselves. */
export async function readTscKhz(): Promise<number | undefined> {
  const [cpuInfo, baseFrequency] = await Promise.all([
    readIfThere('/proc/cpuinfo'),
    readIfThere(BASE_FREQUENCY),
  ]);
  return parseTscKhz(cpuInfo, baseFrequency);
}

/**
 * In a virtual machine `cpu MHz` is the counter's frequency. On bare metal it is the present
 * clock of one core, and the base frequency is what the counter keeps to.
 */
export function parseTscKhz(cpuInfo: string, baseFrequency: string): number | undefined {
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(cpuInfo);
  const candidates = [
    isVirtual ? Number(/^cpu MHz\s*:\s*([\d.]+)$/m.exec(cpuInfo)?.[1]) * 1000 : Number.NaN,
    Number(baseFrequency.trim() === '' ? Number.NaN : baseFrequency),
    Number(/^model name\s*:.*@ ([\d.]+)GHz$/m.exec(cpuInfo)?.[1]) * 1_000_000,
  ];
  const khz = candidates.find((candidate) => candidate >= 100_000 && candidate < 20_000_000);
  return khz === undefined ? undefined : Math.round(khz);
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === 'ENOENT' || code === 'EACCES') return '';
    throw thrown;
  }
}
