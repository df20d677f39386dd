/** One line of /proc/PID/stat. */

export interface ProcessStat {
  /** The program's own name for itself: at most 15 bytes, and any that it likes. */
  readonly name: string;
  /** One letter: R, S, D, Z, T, I… */
  readonly state: string;
  /** In user mode and for it in the kernel, in hundredths of a second. */
  readonly cpuTicks: number;
  readonly threads: number;
  /** After boot, in hundredths of a second: with the pid it names one process for good. */
  readonly startTicks: number;
  readonly residentPages: number;
}

/** Undefined for what is no such line, which a process that is just ending may leave. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The name stands in parentheses and may hold some itself; no later field has any.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  // Counted from the state, which is the third field of the line.
  const number = (field: number) => Number(fields[field - 3]);
  const stat = {
    name: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    cpuTicks: number(14) + number(15),
    threads: number(20),
    startTicks: number(22),
    residentPages: number(24),
  };
  return Number.isFinite(stat.cpuTicks + stat.residentPages) ? stat : undefined;
}
