/** Runs a program from its start to its end, for how long that takes and how much memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { killAtExit } from './at-exit.ts';
import { repositoryRoot } from './child-server.ts';
import { readPeakRssBytes } from './process-usage.ts';

/** Linux keeps the peak, so that only the last moments of a process can be missed. */
const LOOK_MS = 25;
const compileCache = join(repositoryRoot, 'node_modules/.cache/drover/compiled');

export interface ProgramRun {
  readonly ms: number;
  readonly peakBytes: number;
}

export interface RunningProgram extends Disposable {
  /** Kills it. */
  kill(): void;
  /** The exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly pid: number;
}

/** In the root of the repository; it says nothing but what goes wrong. */
export function startProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const child = spawn(program, args, {
    cwd: repositoryRoot,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...env },
  });
  const duty = killAtExit(child);
  const ended = once(child, 'exit').then(
    (how) => (how as [number | null, NodeJS.Signals]).find((each) => each !== null) ?? 0,
  );
  // Whoever waits for it is told; who does not, does not care.
  ended.catch(() => undefined);
  return {
    ...{ ended, pid: child.pid ?? 0 },
    kill: () => child.kill('SIGKILL'),
    [Symbol.dispose]: () => duty[Symbol.dispose](),
  };
}

/** Throws unless it ends well. */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  const startedMs = performance.now();
  using running = startProgram(program, args, env);
  let peakBytes = 0;
  const watch = async () => {
    // It has none any more between its end and our hearing of it.
    const bytes = await readPeakRssBytes(running.pid).catch(() => 0);
    peakBytes = Math.max(peakBytes, bytes);
  };
  using _look = systemClock.every(LOOK_MS, () => void watch());
  const how = await running.ended;
  const ms = performance.now() - startedMs;
  if (how !== 0) throw new Error(`${program} ended with ${how}`);
  return { ms, peakBytes };
}
