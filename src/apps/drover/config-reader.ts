/** Looks settings up in the flags, the variables and the config file, and notes what is wrong. */
import { dirname } from 'node:path';

import type { ConfigDocument, ConfigProblem, FileValue } from './config-document.ts';
import { ALL_SETTINGS, OTHER_VARIABLES } from './config-settings.ts';
import type { AnySetting } from './config-settings.ts';
import type { Setting } from './setting.ts';
import type { Environment } from './env.ts';
import { didYouMean } from '#kernel/nearest.ts';

export type FlagValue = string | boolean | readonly string[];

export interface ConfigInput {
  /** By name, without the dashes. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  readonly env: Environment;
  readonly file?: ConfigDocument | undefined;
  /** What the data folder is called where none is set: `drover` when this is left out. */
  readonly folderName?: string | undefined;
}

export interface SettingInForce {
  readonly setting: AnySetting;
  /** Ready for YAML, secrets masked; undefined when it is not set and has no default. */
  readonly shown: unknown;
  /** `--port`, `DROVER_PORT`, `drover.yaml line 3` or `default`. */
  readonly source: string;
}

interface Found extends FileValue {
  readonly isFlag: boolean;
  readonly baseDir: string;
}

const VARIABLES = new Set<string>([
  ...ALL_SETTINGS.map((setting) => setting.variable),
  ...OTHER_VARIABLES,
]);
/**
 * Set by tests and benchmarks, by who keeps secrets there that a setting refers to, and by
 * Kubernetes for a service that is called drover.
 */
const FOREIGN_VARIABLE = /^DROVER_(TEST_|SECRET_|BENCH_|SERVICE_(HOST|PORT)|PORT_\d+_)/;
const MAX_SHOWN_CHARS = 60;

export class ConfigReader {
  readonly problems: ConfigProblem[] = [];
  readonly #input: ConfigInput;
  readonly #document: ConfigDocument;
  readonly #fileDir: string;
  readonly #inForce = new Map<string, Omit<SettingInForce, 'setting'>>();

  constructor(input: ConfigInput) {
    this.#input = input;
    this.#document = input.file ?? { path: '', values: new Map(), problems: [] };
    this.#fileDir = input.file === undefined ? '' : dirname(input.file.path);
    this.problems.push(...this.#document.problems);
    this.#refuseUnknownVariables();
  }

  /** What is given is checked wherever it is given, even where something else wins over it. */
  read<T>(setting: Setting<T>, fallback: () => T = () => setting.fallback): T {
    let winner: { readonly value: T; readonly source: string } | undefined;
    for (const found of this.#find(setting)) {
      const value = this.#parse(setting, found);
      if (value !== undefined) winner ??= { value, source: found.source };
    }
    const { value, source } = winner ?? { value: fallback(), source: 'default' };
    this.#inForce.set(setting.key, { shown: setting.kind.show(value), source });
    return value;
  }

  isGiven(setting: AnySetting): boolean {
    return this.#find(setting).length > 0;
  }

  /** For what is wrong only together with another setting. */
  refuse(setting: AnySetting, text: string): void {
    const source = this.#inForce.get(setting.key)?.source ?? 'default';
    const isMissing = source === 'default' && setting.fallback === undefined;
    this.problems.push({ key: setting.key, source: isMissing ? 'not set' : source, text });
  }

  inForce(): readonly SettingInForce[] {
    return ALL_SETTINGS.flatMap((setting) => {
      const found = this.#inForce.get(setting.key);
      return found === undefined ? [] : [{ setting, ...found }];
    });
  }

  #find(setting: Pick<AnySetting, 'key' | 'flag' | 'variable'>): Found[] {
    const { flags, env } = this.#input;
    const found: Found[] = [];
    const baseDir = env.currentDir;
    const flag = flags.get(setting.flag);
    if (flag !== undefined) {
      found.push({ raw: flag, source: `--${setting.flag}`, isFlag: true, baseDir });
    }
    const variable = env.variables[setting.variable];
    if (variable !== undefined && !isServiceLink(setting.variable, variable)) {
      found.push({ raw: variable, source: setting.variable, isFlag: false, baseDir });
    }
    const inFile = this.#document.values.get(setting.key);
    if (inFile !== undefined) found.push({ ...inFile, isFlag: false, baseDir: this.#fileDir });
    return found;
  }

  #parse<T>(setting: Setting<T>, found: Found): T | undefined {
    const { kind, key } = setting;
    const { raw, source, baseDir } = found;
    const value = kind.parse(raw, { baseDir, homeDir: this.#input.env.homeDir });
    if (value === undefined) {
      const was = kind.holdsSecret === undefined ? `, not ${shorten(raw)}` : '';
      this.problems.push({ key, source, text: `must be ${kind.expectation}${was}` });
    } else if (found.isFlag && kind.holdsSecret?.(value) === true) {
      const text =
        `must hold no password here, where every user of this host can read it; ` +
        `put it into ${setting.variable} or the config file`;
      this.problems.push({ key, source, text });
    }
    return value;
  }

  #refuseUnknownVariables(): void {
    for (const name of Object.keys(this.#input.env.variables)) {
      if (VARIABLES.has(name) || FOREIGN_VARIABLE.test(name)) continue;
      const text = `is no setting${didYouMean(name, VARIABLES)}`;
      this.problems.push({ key: name, source: 'environment', text });
    }
  }
}

/** `DROVER_PORT=tcp://10.0.0.7:8080` comes from Kubernetes, not from whoever configures Drover. */
function isServiceLink(variable: string, value: string): boolean {
  return variable === 'DROVER_PORT' && value.startsWith('tcp://');
}

function shorten(raw: unknown): string {
  if (raw === null) return 'nothing';
  const text = JSON.stringify(raw) ?? typeof raw;
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`;
}
