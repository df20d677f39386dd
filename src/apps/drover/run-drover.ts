/** Runs one command line to its end and says what the shell is to be told. */
import { parseCommandLine, usageError } from './command-line.ts';
import type { Command, Invocation } from './command.ts';
import { reportError } from './error-report.ts';
import { EXIT_OK } from './exit-codes.ts';
import { overviewText, topicText } from './help-text.ts';
import { didYouMean } from '#kernel/nearest.ts';

export interface DroverProcess extends Omit<Invocation, 'words' | 'options'> {
  /** All that a command line can be about; where it names one command, that is enough. */
  readonly commands: (argv: readonly string[]) => Promise<readonly Command[]>;
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
  const commands = await process.commands(argv);
  const line = parseCommandLine(argv, commands);
  switch (line.kind) {
    case 'help':
      await process.terminal.write(helpText(line.topic, commands));
      return;
    case 'version':
      await run(['version'], process);
      return;
    case 'run':
      process.onCommand?.(line.command.name);
      await line.command.run({ ...process, words: line.words, options: line.options });
  }
}

function helpText(topic: readonly string[], commands: readonly Command[]): string {
  if (topic.length === 0) return overviewText(commands);
  const text = topicText(topic, commands);
  if (text !== undefined) return text;
  const name = topic.join(' ');
  const names = commands.map((command) => command.name);
  throw usageError(`there is no command ${name}${didYouMean(name, names)}`, 'drover --help');
}

/** Before anything is parsed: what cannot be parsed must be reported in the form asked for. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}
