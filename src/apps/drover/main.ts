/** The process: its signals, its streams and its exit code. Everything else is in run-drover.ts. */
import { holdProcess, systemClock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { connectTo } from './client/server-target.ts';
import { readEnvironment } from './env.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { runDrover } from './run-drover.ts';
import { createTerminal } from './terminal.ts';

/** What a shell reports of a program that wrote into a closed pipe. */
const EXIT_BROKEN_PIPE = 141;

const stop = new AbortController();
let isPipeClosed = false;

function onSignal(): void {
  // Whoever asks a second time does not want to wait for an orderly end.
  if (stop.signal.aborted) process.exit(EXIT_CODES.cancelled);
  stop.abort(new DroverError('cancelled', 'interrupted'));
}

function onStdoutError(error: Error): void {
  if (systemErrorCode(error) !== 'EPIPE') throw error;
  isPipeClosed = true;
  stop.abort(new DroverError('cancelled', 'the reader of the output is gone'));
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
process.stdout.on('error', onStdoutError);

const env = readEnvironment();
using _held = holdProcess();
const exitCode = await runDrover(process.argv.slice(2), {
  env,
  clock: systemClock,
  signal: stop.signal,
  terminal: createTerminal(process.stdout, process.stderr, env.wantsColour),
  connect: connectTo,
  onCommand(name) {
    // Arguments can hold a token; in the title they would be there for every user to read.
    process.title = `drover ${name}`;
  },
});
process.exitCode = isPipeClosed ? EXIT_BROKEN_PIPE : exitCode;
