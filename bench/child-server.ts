/**
 * A server under test, in a process of its own, so that the work of the client does not count as
 * the server's. It says on standard output when it is ready and ends when its standard input
 * does, so that none stays behind when the benchmark is killed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { systemClock } from '#kernel/clock.ts';
import { killAtExit } from './at-exit.ts';

export interface ChildServer extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly port: number;
}

export interface ChildServerOptions {
  /** Run by this Node, from the root of the repository; or an executable, by its absolute path. */
  readonly script: string;
  readonly args?: readonly string[];
  /** For Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const READY = /\bready (https?:\/\/\S+)$/;
const READY_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 20_000;

export const repositoryRoot = join(import.meta.dirname, '..');

/** As the `drover` launcher has it, for ours and for the peers. */
const compileCache = join(repositoryRoot, 'node_modules/.cache/drover/compiled');

export async function openChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const { script, args = [], nodeArgs = [], env } = options;
  // The log is written as always and goes nowhere: its cost counts, the space it takes does not.
  await using nowhere = await open('/dev/null', 'w');
  const [program, ...rest] = isAbsolute(script)
    ? [script]
    : [process.execPath, ...nodeArgs, join(repositoryRoot, script)];
  const child = spawn(program, [...rest, ...args], {
    stdio: ['pipe', 'pipe', process.env['DROVER_BENCH_LOG'] === undefined ? nowhere.fd : 'inherit'],
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...env },
  });
  const ended = once(child, 'exit');
  const duty = killAtExit(child);
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    child.stdin?.end();
    using _limit = systemClock.after(END_TIMEOUT_MS, () => child.kill('SIGKILL'));
    await ended;
    duty[Symbol.dispose]();
  };
  try {
    using _limit = systemClock.after(READY_TIMEOUT_MS, () => child.kill('SIGKILL'));
    const url = await readUrl(child.stdout);
    const { pid } = child;
    if (url === undefined || pid === undefined) {
      throw new Error(`${script} ended before it was ready; DROVER_BENCH_LOG=1 shows its log`);
    }
    return { pid, url, port: Number(new URL(url).port), [Symbol.asyncDispose]: end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

async function readUrl(stdout: Readable | null): Promise<string | undefined> {
  if (stdout === null) return undefined;
  for await (const line of createInterface({ input: stdout })) {
    const url = READY.exec(line)?.[1];
    if (url === undefined) continue;
    stdout.resume();
    return url;
  }
  return undefined;
}
