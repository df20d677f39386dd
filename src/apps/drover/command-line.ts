/** Finds the command that was meant and reads its options; what it cannot read it explains. */
import { parseArgs } from 'node:util';

import { DroverError } from '#kernel/errors.ts';
import { OptionValues } from './command.ts';
import type { Command, OptionTable } from './command.ts';
import type { FlagValue } from './config-reader.ts';
import { didYouMean } from '#kernel/nearest.ts';

export type CommandLine =
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly words: string[];
      readonly options: OptionValues;
    }
  | { readonly kind: 'help'; readonly topic: readonly string[] }
  | { readonly kind: 'version' };

export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
): CommandLine {
  const [first, second] = argv;
  if (first === undefined || first === '--help' || first === '-h')
    return { kind: 'help', topic: [] };
  if (first === 'help')
    return { kind: 'help', topic: argv.slice(1).filter((arg) => !arg.startsWith('-')) };
  if (first === '--version' || first === '-V') return { kind: 'version' };
  if (first.startsWith('-')) {
    throw usageError(`${first}: options come after the command`, 'drover --help');
  }
  const command = commands.find(({ name }) => name === first || name === `${first} ${second}`);
  if (command === undefined) return helpOrRefuse(first, second, commands);
  const rest = argv.slice(command.name.split(' ').length);
  const isHelp = rest.slice(0, untilDashes(rest)).some((arg) => arg === '--help' || arg === '-h');
  if (isHelp) return { kind: 'help', topic: command.name.split(' ') };
  return { kind: 'run', command, ...parseOptions(command, rest) };
}

function helpOrRefuse(
  first: string,
  second: string | undefined,
  commands: readonly Command[],
): CommandLine {
  const inGroup = commands.filter(({ name }) => name.startsWith(`${first} `));
  const wanted = second === undefined || second.startsWith('-') ? undefined : second;
  if (inGroup.length > 0) {
    if (second === '--help' || second === '-h') return { kind: 'help', topic: [first] };
    const names = inGroup.map(({ name }) => name.slice(first.length + 1));
    const problem =
      wanted === undefined
        ? `${first} needs one of ${names.join(', ')}`
        : `${first} has no command ${wanted}${didYouMean(wanted, names)}`;
    throw usageError(problem, `drover ${first} --help`);
  }
  const names = new Set(commands.flatMap(({ name }) => [name, name.split(' ')[0] ?? name]));
  // Who leaves out the first word means the command of that second word.
  const short = commands.find(({ name }) => name.split(' ')[1] === first);
  const suggestion =
    short === undefined ? didYouMean(first, names) : `; did you mean ${short.name}?`;
  throw usageError(`there is no command ${first}${suggestion}`, 'drover --help');
}

interface ParsedOptions {
  readonly words: string[];
  readonly options: OptionValues;
}

function parseOptions(command: Command, args: readonly string[]): ParsedOptions {
  const help = `drover ${command.name} --help`;
  const table = command.options;
  const { tokens } = parseArgs({
    args: [...args],
    options: tableToParseArgs(table),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, FlagValue>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (spec === undefined) {
      const known = Object.keys(table).map((name) => `--${name}`);
      const problem = `${command.name} has no option ${token.rawName}`;
      throw usageError(`${problem}${didYouMean(token.rawName, known)}`, help);
    }
    const value = readValue(token, spec.kind, help);
    const before = values.get(token.name);
    if (spec.kind !== 'list') values.set(token.name, value);
    else values.set(token.name, [...(Array.isArray(before) ? before : []), String(value)]);
  }
  checkWords(command, words, help);
  return { words, options: new OptionValues(values, table) };
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function readValue(token: OptionToken, kind: string, help: string): string | boolean {
  const { rawName, value, inlineValue } = token;
  if (kind === 'flag') {
    if (value === undefined) return true;
    throw usageError(`${rawName} takes no value`, help);
  }
  if (kind === 'switch') return value ?? true;
  if (value === undefined || value === '') throw usageError(`${rawName} needs a value`, help);
  if (inlineValue === false && value.startsWith('-') && value !== '-') {
    throw usageError(
      `${rawName} needs a value; if it is ${value}, write ${rawName}=${value}`,
      help,
    );
  }
  return value;
}

function checkWords(command: Command, words: readonly string[], help: string): void {
  const { least, most } = command.words;
  if (words.length < least) {
    throw usageError(`${command.name} needs ${command.usage}`, help);
  }
  const surplus = words[most];
  if (surplus === undefined) return;
  const takes = most === 0 ? 'nothing' : command.usage;
  throw usageError(`${command.name} takes ${takes}; ${JSON.stringify(surplus)} is too much`, help);
}

function tableToParseArgs(table: OptionTable) {
  return Object.fromEntries(
    Object.entries(table).map(([name, { kind, short }]) => [
      name,
      {
        type: kind === 'flag' || kind === 'switch' ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
}

function untilDashes(args: readonly string[]): number {
  const at = args.indexOf('--');
  return at === -1 ? args.length : at;
}

/** `help` is the command line that explains more. */
export function usageError(problem: string, help: string): DroverError {
  return new DroverError('invalid_argument', problem, {
    reason: 'USAGE',
    metadata: { help },
  });
}
