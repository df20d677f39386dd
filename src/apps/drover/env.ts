/**
 * The one place that reads the environment: variables, the user, the host's name and the current
 * directory. Everything else is handed the answer, so tests hand in another.
 */
import { homedir, hostname } from 'node:os';

export interface Environment {
  /** Only those whose names begin with `DROVER_`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly currentDir: string;
  readonly homeDir: string;
  readonly dataHome: string | undefined;
  readonly configHome: string | undefined;
  readonly hostname: string;
  readonly isRoot: boolean;
  readonly wantsColour: boolean;
}

export const VARIABLE_PREFIX = 'DROVER_';

export function readEnvironment(): Environment {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith(VARIABLE_PREFIX) && value !== undefined) variables[name] = value;
  }
  return {
    variables,
    currentDir: process.cwd(),
    homeDir: homedir(),
    dataHome: absoluteOrUndefined(process.env['XDG_DATA_HOME']),
    configHome: absoluteOrUndefined(process.env['XDG_CONFIG_HOME']),
    hostname: hostname(),
    isRoot: process.getuid?.() === 0,
    wantsColour: (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
  };
}

/** The XDG rules say that a relative path there counts as none. */
function absoluteOrUndefined(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined;
}
