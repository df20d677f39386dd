/**
 * Writes completions for bash and zsh from the table of commands. Both scripts have the same
 * shape: first the command's words, then by command its options and, where they are known, the
 * values of an option or of a word.
 */
import type { Command, OptionSpec, OptionTable } from './command.ts';

/** Options whose value is a path get the shell's own completion of files. */
const FILE_ARGUMENT = /^(FILE|PATH|DIR)/;

export function bashCompletion(commands: readonly Command[]): string {
  const lines = [
    '# bash completion for drover',
    '_drover() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" command',
    '  COMPREPLY=()',
    '  if ((COMP_CWORD == 1)); then',
    `    ${offer([...firstWords(commands), '--help', '--version'])}; return`,
    '  fi',
    '  command="${COMP_WORDS[1]}"',
    '  case "$command" in',
    ...groups(commands).flatMap(([group, names]) => [
      `    ${group})`,
      `      if ((COMP_CWORD == 2)); then ${offer(names)}; return; fi`,
      '      command="$command ${COMP_WORDS[2]}" ;;',
    ]),
    '  esac',
    '  case "$command $prev" in',
    ...commands.flatMap(({ name, options }) =>
      valueCases(options).map(({ option, choices }) => {
        const values =
          choices === undefined ? 'COMPREPLY=($(compgen -f -- "$cur"))' : offer(choices);
        return `    ${quote(`${name} ${option}`)}) ${values}; return ;;`;
      }),
    ),
    '  esac',
    '  case "$command" in',
    ...commands.map(({ name, options, wordChoices = [] }) => {
      return `    ${quote(name)}) ${offer([...wordChoices, ...optionNames(options)])} ;;`;
    }),
    '  esac',
    '}',
    'complete -o default -F _drover drover ./drover',
  ];
  return `${lines.join('\n')}\n`;
}

/** Those of these words that begin as what is being typed. */
function offer(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quote(words.join(' '))} -- "$cur"))`;
}

export function zshCompletion(commands: readonly Command[]): string {
  const lines = [
    '#compdef drover',
    '_drover() {',
    '  local command prev="${words[CURRENT-1]}"',
    '  local -a choices',
    '  if ((CURRENT == 2)); then',
    `    ${describeWords(firstWords(commands), '', commands)}; return`,
    '  fi',
    '  command="${words[2]}"',
    '  case "$command" in',
    ...groups(commands).flatMap(([group, names]) => [
      `    ${group})`,
      '      if ((CURRENT == 3)); then',
      `        ${describeWords(names, `${group} `, commands)}; return`,
      '      fi',
      '      command="$command ${words[3]}" ;;',
    ]),
    '  esac',
    '  case "$command $prev" in',
    ...commands.flatMap(({ name, options }) =>
      valueCases(options).map(({ option, choices }) => {
        const add = choices === undefined ? '_files' : `compadd -- ${choices.map(quote).join(' ')}`;
        return `    ${quote(`${name} ${option}`)}) ${add}; return ;;`;
      }),
    ),
    '  esac',
    '  case "$command" in',
    ...commands.map(({ name, options, wordChoices = [] }) => {
      const words = wordChoices.map(quote).join(' ');
      const before = words === '' ? '' : `compadd -- ${words}; `;
      return `    ${quote(name)}) ${before}${describeOptions(options)} ;;`;
    }),
    '  esac',
    '}',
    'if [ "$funcstack[1]" = "_drover" ]; then _drover "$@"',
    'else compdef _drover drover ./drover; fi',
  ];
  return `${lines.join('\n')}\n`;
}

/** `prefix` is the word before them. */
function describeWords(
  words: readonly string[],
  prefix: string,
  commands: readonly Command[],
): string {
  const choices = words.map((word) =>
    quote(describe(`${prefix}${word}`, commands).slice(prefix.length)),
  );
  return `choices=(${choices.join(' ')}); _describe 'command' choices`;
}

function describeOptions(options: OptionTable): string {
  const choices = Object.entries(options).map(([name, { doc }]) =>
    quote(`--${name}:${escapeColons(doc)}`),
  );
  return `choices=(${choices.join(' ')} '--help:Explain it.'); _describe 'option' choices`;
}

function firstWords(commands: readonly Command[]): string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name)), 'help'];
}

function groups(commands: readonly Command[]): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const { name } of commands) {
    const [group = '', second] = name.split(' ');
    if (second !== undefined) found.set(group, [...(found.get(group) ?? []), second]);
  }
  return [...found];
}

interface ValueCase {
  readonly option: string;
  /** Undefined: files. */
  readonly choices: readonly string[] | undefined;
}

function valueCases(options: OptionTable): ValueCase[] {
  return Object.entries(options).flatMap(([name, spec]) => {
    const isFile = FILE_ARGUMENT.test(spec.argument ?? '');
    if (!isFile && spec.choices === undefined) return [];
    return optionForms(name, spec).map((option) => ({ option, choices: spec.choices }));
  });
}

function optionNames(options: OptionTable): string[] {
  return [...Object.entries(options).flatMap(([name, spec]) => optionForms(name, spec)), '--help'];
}

function optionForms(name: string, { short }: OptionSpec): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

/** `word:what it does`, as zsh takes it. A group has the names of its commands. */
function describe(name: string, commands: readonly Command[]): string {
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return `${name}:${escapeColons(command.summary)}`;
  const names = groups(commands).find(([group]) => group === name)?.[1] ?? ['explain a command'];
  return `${name}:${names.join(', ')}`;
}

function escapeColons(text: string): string {
  return text.replaceAll(':', '\\:');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
