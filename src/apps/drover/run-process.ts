/** The process: its signals, its streams and its exit code. Everything else is in run-drover.ts. */
import { holdProcess, systemClock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { readEnvironment } from './env.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { runDrover, type DroverProcess } from './run-drover.ts';
import { createTerminal, type Terminal } from './terminal.ts';

export interface ProgramOptions extends Pick<DroverProcess, 'commands' | 'connect'> {
  readonly argv: readonly string[];
  /** Puts another terminal before the one of the process. */
  readonly wrapTerminal?: (terminal: Terminal) => Terminal;
}

/** What a shell reports of a program that wrote into a closed pipe. */
const EXIT_BROKEN_PIPE = 141;

export async function runProcess(options: ProgramOptions): Promise<void> {
  const { argv, commands, connect, wrapTerminal = (terminal) => terminal } = options;
  const stop = new AbortController();
  let isPipeClosed = false;
  const onSignal = () => {
    // Whoever asks a second time does not want to wait for an orderly end.
    if (stop.signal.aborted) process.exit(EXIT_CODES.cancelled);
    stop.abort(new DroverError('cancelled', 'interrupted'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.stdout.on('error', (error) => {
    if (systemErrorCode(error) !== 'EPIPE') throw error;
    isPipeClosed = true;
    stop.abort(new DroverError('cancelled', 'the reader of the output is gone'));
  });
  const env = readEnvironment();
  using _held = holdProcess();
  const exitCode = await runDrover(argv, {
    ...{ commands, connect, env },
    clock: systemClock,
    signal: stop.signal,
    terminal: wrapTerminal(createTerminal(process.stdout, process.stderr, env.wantsColour)),
    onCommand(name) {
      // Arguments can hold a token; in the title they would be there for every user to read.
      process.title = `drover ${name}`;
    },
  });
  process.exitCode = isPipeClosed ? EXIT_BROKEN_PIPE : exitCode;
}
