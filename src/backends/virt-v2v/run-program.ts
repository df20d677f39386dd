/**
 * Runs a program that may take an hour: its output line by line, its end awaited, and with it the
 * end of all that it started. It is asked to stop before it is made to.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';

export interface ProgramCall {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

const GRACE_MS = SECOND_MS;
/** For what it leaves running: its qemu-nbd still has to write the tables of the disk. */
const LINGER_MS = 60 * SECOND_MS;
const LONGEST_LINE = 500;
const MOST_LINES = 500;

/**
 * Answers how it ended, undefined where anything of it was ended by force; rejects only where it
 * could not be started.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { clock, signal, environment, onLine }: ProgramCall,
): Promise<number | undefined> {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that its children can be ended with it.
    detached: true,
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | undefined>();
  const kill = (how: NodeJS.Signals) => child.pid !== undefined && killGroup(child.pid, how);
  let isForced = false;
  child.on('error', reject);
  child.on('close', (code) => resolve(isForced ? undefined : (code ?? undefined)));
  let lines = 0;
  const tell = (line: string) => {
    lines += 1;
    if (lines <= MOST_LINES) onLine(line.replaceAll(/\p{Cc}/gu, ' ').slice(0, LONGEST_LINE));
  };
  readLines(child.stdout, tell);
  readLines(child.stderr, tell);
  using stack = new DisposableStack();
  const end = (graceMs: number) => {
    kill('SIGTERM');
    const force = () => {
      isForced = true;
      kill('SIGKILL');
    };
    stack.use(clock.after(graceMs, force));
  };
  const stop = () => end(GRACE_MS);
  signal.addEventListener('abort', stop, { once: true });
  // What it leaves running holds its output open, and is waited for by that.
  child.on('exit', () => end(signal.aborted ? GRACE_MS : LINGER_MS));
  try {
    return await ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Of a line that has no end, its beginning is kept. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  stream.on('error', () => stream.destroy());
  stream.on('data', (chunk: Buffer) => {
    const lines = (begun + decoder.write(chunk)).split(/[\r\n]+/);
    begun = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream.on('end', () => begun !== '' && onLine(begun));
}

function killGroup(pid: number, how: NodeJS.Signals): void {
  try {
    process.kill(-pid, how);
  } catch {
    // It has ended by itself.
  }
}
