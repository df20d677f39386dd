/** What a command is: one entry of the table that parsing, help and completions all read. */
import type { Transport } from '@connectrpc/connect';

import type { Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { ServerTarget } from './client/server-target.ts';
import type { FlagValue } from './config-reader.ts';
import type { Environment } from './env.ts';
import type { Terminal } from './terminal.ts';

export const COMMAND_GROUPS = [
  'Server',
  'Machines',
  'Images',
  'Migration',
  'Apps',
  'Fleet',
  'Alerts',
  'Access',
  'More',
] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export interface OptionSpec {
  /** `switch` is on or off, and can be turned off by `=false`; `list` may be given often. */
  readonly kind: 'text' | 'flag' | 'switch' | 'list';
  readonly doc: string;
  /** Shown for the value. */
  readonly argument?: string;
  readonly short?: string;
  readonly choices?: readonly string[];
  /** Whether it is the flag of a setting, which the config reads. */
  readonly isSetting?: boolean;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

export interface Command {
  /** `up`, or two words: `vm create`. */
  readonly name: string;
  readonly group: CommandGroup;
  /** What follows the name: `IMAGE|FILE`. */
  readonly usage: string;
  readonly summary: string;
  /** Further paragraphs for its own help. */
  readonly details?: readonly string[];
  readonly options: OptionTable;
  readonly examples?: readonly string[];
  /** How many words it takes. */
  readonly words: { readonly least: number; readonly most: number };
  /** What the words are, for completions. */
  readonly wordChoices?: readonly string[];
  run(invocation: Invocation): Promise<void>;
}

export interface Invocation {
  readonly words: readonly string[];
  readonly options: OptionValues;
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly connect: (target: ServerTarget) => Promise<Transport>;
}

export class OptionValues {
  readonly #values: ReadonlyMap<string, FlagValue>;
  readonly #table: OptionTable;

  constructor(values: ReadonlyMap<string, FlagValue>, table: OptionTable) {
    this.#values = values;
    this.#table = table;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }

  list(name: string): readonly string[] {
    const value = this.#values.get(name);
    return typeof value === 'object' ? value : [];
  }

  whole(
    name: string,
    range: { readonly least: number; readonly most: number },
  ): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= range.least && value <= range.most) return value;
    throw invalidArgument(
      `--${name}`,
      `must be a whole number from ${range.least} to ${range.most}, not ${JSON.stringify(text)}`,
    );
  }

  /** Those that are settings, for the config. */
  settings(): ReadonlyMap<string, FlagValue> {
    return new Map([...this.#values].filter(([name]) => this.#table[name]?.isSetting === true));
  }
}

export const JSON_OPTION: OptionTable = {
  json: { kind: 'flag', doc: 'Print JSON, and errors as one line of JSON on stderr.' },
};
