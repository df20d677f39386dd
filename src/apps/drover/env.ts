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
  /** Those whose names begin with `GOVC_`, by which other tools log in to vSphere. */
  readonly govc: Readonly<Record<string, string>>;
  /** What programs that we start need of ours to find the user's sockets and keys, and guests. */
  readonly session: Readonly<Record<string, string>>;
}

export const VARIABLE_PREFIX = 'DROVER_';

const GOVC_PREFIX = 'GOVC_';
const SESSION = /^(?:HOME|USER|LOGNAME|SSH_AUTH_SOCK|XDG_(?:RUNTIME_DIR|\w+_HOME))$/;
const GUEST_TOOLS = /^(?:TMPDIR|VIRTIO_WIN|VIRT_TOOLS_DATA_DIR|(?:LIBGUESTFS|SUPERMIN)_\w+)$/;

export function readEnvironment(): Environment {
  return {
    variables: variablesThat((name) => name.startsWith(VARIABLE_PREFIX)),
    govc: variablesThat((name) => name.startsWith(GOVC_PREFIX)),
    session: variablesThat((name) => SESSION.test(name) || GUEST_TOOLS.test(name)),
    currentDir: process.cwd(),
    homeDir: homedir(),
    dataHome: absoluteOrUndefined(process.env['XDG_DATA_HOME']),
    configHome: absoluteOrUndefined(process.env['XDG_CONFIG_HOME']),
    hostname: hostname(),
    isRoot: process.getuid?.() === 0,
    wantsColour: (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
  };
}

function variablesThat(fits: (name: string) => boolean): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (fits(name) && value !== undefined) variables[name] = value;
  }
  return variables;
}

/** The XDG rules say that a relative path there counts as none. */
function absoluteOrUndefined(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined;
}
