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
const LONGEST_LINE = 500;
const MOST_LINES = 500;

/** Answers how it ended; rejects only where it could not be started. */
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
  child.on('error', reject);
  child.on('close', (code) => resolve(code ?? undefined));
  let lines = 0;
  const tell = (line: string) => {
    lines += 1;
    if (lines <= MOST_LINES) onLine(line.replaceAll(/\p{Cc}/gu, ' ').slice(0, LONGEST_LINE));
  };
  readLines(child.stdout, tell);
  readLines(child.stderr, tell);
  using stack = new DisposableStack();
  const stop = () => {
    kill('SIGTERM');
    stack.use(clock.after(GRACE_MS, () => kill('SIGKILL')));
  };
  signal.addEventListener('abort', stop, { once: true });
  // What it leaves running would hold its output open, and write on.
  child.on('exit', () => kill('SIGKILL'));
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
