/** What must not be left behind even when a benchmark is interrupted: processes and directories. */

const duties = new Set<() => void>();

process.once('exit', () => {
  // The last first: a process before the directory it works in.
  for (const duty of [...duties].toReversed()) duty();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** Disposing calls it off. */
export function atExit(duty: () => void): Disposable {
  duties.add(duty);
  return { [Symbol.dispose]: () => duties.delete(duty) };
}

/** SIGKILL, unless it has ended by then. */
export function killAtExit({ pid }: { readonly pid?: number | undefined }): Disposable {
  return atExit(() => {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself, which is as well.
    }
  });
}
