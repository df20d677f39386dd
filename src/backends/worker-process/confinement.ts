/**
 * The walls around a member process that stand outside of it: a user of its own, an empty network,
 * no capabilities, limits. Each is set by a program of util-linux that then becomes the next one,
 * so that the process that was started is the member in the end.
 */

export interface UserRange {
  readonly firstUid: number;
  /** With one, all members share it. */
  readonly count: number;
}

/** What of it this host allows; decided once, by trying. */
export interface Confinement {
  /** Undefined: members run as the user that Drover runs as. */
  readonly users: UserRange | undefined;
  readonly hasOwnNetwork: boolean;
  /** Who is not root makes spaces of his own where he is; there is no other user then. */
  readonly isInUserSpace: boolean;
  /** Whether there are any that the members could keep: as root, and in a space of their user. */
  readonly hasCapabilities: boolean;
  /** Sentences for the operator: which wall is missing, and why. */
  readonly missing: readonly string[];
}

export interface ConfinedCommand {
  readonly file: string;
  readonly args: readonly string[];
}

const MOST_FILES = 1024;
/** Threads count; one member has about a dozen. */
const MOST_PROCESSES = 128;

export function confine(
  { hasOwnNetwork, isInUserSpace, hasCapabilities }: Omit<Confinement, 'users' | 'missing'>,
  { uid, hasChildren }: { readonly uid: number | undefined; readonly hasChildren: boolean },
  command: ConfinedCommand,
): ConfinedCommand {
  const spaces = [
    ...(isInUserSpace ? ['--user', '--map-current-user'] : []),
    ...['--net', '--ipc', ...(hasChildren ? PID_SPACE : [])],
  ];
  const steps = [
    // With a space of processes the member's parent is not the server, but what waits for it.
    ...(hasOwnNetwork && hasChildren ? ['setpriv', '--pdeathsig=KILL', '--'] : []),
    ...(hasOwnNetwork ? ['unshare', ...spaces, '--'] : []),
    'setpriv',
    ...(uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']),
    ...(hasCapabilities ? ['--inh-caps=-all', '--bounding-set=-all'] : []),
    // An endless loop never notices that the server is gone; the kernel does.
    ...['--no-new-privs', '--pdeathsig=KILL', '--'],
    ...['prlimit', '--core=0', `--nofile=${MOST_FILES}`],
    // It counts all processes of a user, so it is of use only where each member has its own.
    ...(uid === undefined ? [] : [`--nproc=${MOST_PROCESSES}`]),
    '--',
    command.file,
    ...command.args,
  ];
  const [file = command.file, ...args] = steps;
  return { file, args };
}

/** What it starts ends with it, however often it forked. */
const PID_SPACE = ['--pid', '--fork', '--kill-child=KILL'];
