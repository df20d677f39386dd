/** Help, written from the table of commands. */
import { COMMAND_GROUPS } from './command.ts';
import type { Command, OptionSpec } from './command.ts';
import { formatTable } from './client/text-table.ts';

const WIDTH = 96;
const OPTION_INDENT = 26;

export function overviewText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => titleOf(command).length));
  const groups = COMMAND_GROUPS.map((group) => {
    const rows = commands
      .filter((command) => command.group === group)
      .map((command) => `  ${titleOf(command).padEnd(width + 2)}${command.summary}`);
    return `${group}\n${rows.join('\n')}\n`;
  });
  return [
    'Drover runs virtual machines, moves them and watches them.',
    '',
    'Usage: drover COMMAND [OPTION…]',
    '',
    ...groups,
    'A first machine',
    '  drover up                    in one terminal, and in another:',
    '  drover image build demo      make a small Linux guest from Debian packages',
    '  drover vm run demo           boot it and read its console',
    '',
    'Every command explains itself: drover vm run --help',
    'Every setting of the server:   drover config --help',
    '',
  ].join('\n');
}

/** One command, or the commands that begin with a word. Undefined when there is neither. */
export function topicText(
  topic: readonly string[],
  commands: readonly Command[],
): string | undefined {
  const name = topic.join(' ');
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return commandText(command);
  const inGroup = commands.filter((one) => one.name.startsWith(`${name} `));
  if (inGroup.length === 0) return undefined;
  const rows = inGroup.map((one) => [`  ${titleOf(one)}`, one.summary]);
  return `Usage: drover ${name} COMMAND [OPTION…]\n\n${formatTable([], rows)}`;
}

function commandText(command: Command): string {
  const own = Object.entries(command.options).filter(([, spec]) => spec.isSetting !== true);
  const settings = Object.entries(command.options).filter(([, spec]) => spec.isSetting === true);
  const lines = [`${command.summary}.`, '', `Usage: drover ${titleOf(command)} [OPTION…]`];
  for (const paragraph of command.details ?? []) lines.push('', ...wrap(paragraph, 0));
  if (own.length > 0) lines.push('', 'Options', ...own.flatMap(optionLines));
  if (settings.length > 0) lines.push('', 'Settings', ...settings.flatMap(optionLines));
  if (command.examples !== undefined) {
    lines.push('', 'Examples', ...command.examples.map((example) => `  ${example}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Beside the option where that fits, else below it. */
function optionLines([name, spec]: readonly [string, OptionSpec]): string[] {
  const argument = spec.argument === undefined ? '' : ` ${spec.argument}`;
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  const choices =
    spec.choices === undefined || spec.argument?.includes('|') === true
      ? ''
      : ` (${spec.choices.join(', ')})`;
  const title = `  ${short}--${name}${argument}`;
  const lines = wrap(`${spec.doc}${choices}`, OPTION_INDENT);
  if (title.length > OPTION_INDENT - 2) return [title, ...lines];
  const [first = '', ...rest] = lines;
  return [title.padEnd(OPTION_INDENT) + first.trimStart(), ...rest];
}

function titleOf({ name, usage }: Command): string {
  return usage === '' ? name : `${name} ${usage}`;
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((one) => ' '.repeat(indent) + one);
}
