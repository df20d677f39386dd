/** Runs one command line to its end and says what the shell is to be told. */
import { parseCommandLine, usageError } from './command-line.ts';
import type { Invocation } from './command.ts';
import { COMMANDS } from './commands.ts';
import { version } from './commands/version.ts';
import { reportError } from './error-report.ts';
import { EXIT_OK } from './exit-codes.ts';
import { overviewText, topicText } from './help-text.ts';
import { didYouMean } from '#kernel/nearest.ts';

export interface DroverProcess extends Omit<Invocation, 'words' | 'options'> {
  /** Told once the command is known, for the title of the process. */
  readonly onCommand?: (name: string) => void;
}

export async function runDrover(argv: readonly string[], process: DroverProcess): Promise<number> {
  try {
    await run(argv, process);
    return EXIT_OK;
  } catch (thrown) {
    const { exitCode, text } = reportError(thrown, { asJson: asksForJson(argv) });
    if (text !== '') process.terminal.note(text.trimEnd());
    return exitCode;
  }
}

async function run(argv: readonly string[], process: DroverProcess): Promise<void> {
  const line = parseCommandLine(argv, COMMANDS);
  switch (line.kind) {
    case 'help':
      await process.terminal.write(helpText(line.topic));
      return;
    case 'version':
      await run([version.name], process);
      return;
    case 'run':
      process.onCommand?.(line.command.name);
      await line.command.run({ ...process, words: line.words, options: line.options });
  }
}

function helpText(topic: readonly string[]): string {
  if (topic.length === 0) return overviewText(COMMANDS);
  const text = topicText(topic, COMMANDS);
  if (text !== undefined) return text;
  const name = topic.join(' ');
  const names = COMMANDS.map((command) => command.name);
  throw usageError(`there is no command ${name}${didYouMean(name, names)}`, 'drover --help');
}

/** Before anything is parsed: what cannot be parsed must be reported in the form asked for. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}
