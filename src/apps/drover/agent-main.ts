/**
 * The program that `npm run build:agent` makes one file of: `drover agent` by itself, under a name
 * of its own. Its command line is the agent's without the word `agent`.
 */
import { agent } from './commands/agent.ts';
import { version } from './commands/version.ts';
import { runProcess } from './run-process.ts';
import type { Terminal } from './terminal.ts';

const NAME = 'drover-agent';

/** Help and errors name commands that this program goes by itself, or does not have. */
function rename(text: string): string {
  return text.replaceAll('drover agent', NAME).replaceAll('drover config --help', `${NAME} --help`);
}

function renaming(terminal: Terminal): Terminal {
  return {
    ...terminal,
    write: (data) => terminal.write(typeof data === 'string' ? rename(data) : data),
    note: (line) => terminal.note(rename(line)),
  };
}

/** `--version` and `help` are asked of the program, everything else of the agent. */
function toCommandLine(argv: readonly string[]): readonly string[] {
  const [first] = argv;
  if (first === '--version' || first === '-V') return argv;
  return first === 'help' ? ['help', agent.name] : [agent.name, ...argv];
}

void runProcess({
  argv: toCommandLine(process.argv.slice(2)),
  commands: () => Promise.resolve([agent, version]),
  connect: () => Promise.reject(new Error('the agent asks no other server')),
  wrapTerminal: renaming,
});
