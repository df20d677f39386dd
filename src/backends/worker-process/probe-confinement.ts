/**
 * Finds out, by starting the very program that members run, which walls this host allows. The
 * strongest that works is used; what is missing is said in sentences for the operator.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { confine, type Confinement, type UserRange } from './confinement.ts';
import { permissionFlags } from './permission-flags.ts';

const PROBE_MS = 20_000;
const PROBE_BYTES = 256 * 1024 * 1024;

export interface MemberProgram {
  readonly node: string;
  /** What runs in a member. */
  readonly entry: string;
  /** Of which it consists; folders end in `/*`. */
  readonly readable: readonly string[];
}

export interface ProbeOptions {
  readonly program: MemberProgram;
  readonly runDirectory: string;
  /** Undefined when Drover is not root, and cannot become anybody else. */
  readonly users: UserRange | undefined;
}

type Candidate = Omit<Confinement, 'missing'>;

const NONE: Candidate = {
  users: undefined,
  ...{ hasOwnNetwork: false, isInUserSpace: false, hasCapabilities: false },
};
/** Root is not what it was without capabilities, but what belongs to root is still its own. */
const BARE_ROOT: Candidate = { ...NONE, hasCapabilities: true };

export async function probeConfinement(options: ProbeOptions): Promise<Confinement> {
  const { users } = options;
  const candidates: readonly (Candidate & { readonly lacks: readonly string[] })[] =
    users === undefined
      ? [
          {
            ...{ users: undefined, hasOwnNetwork: true, isInUserSpace: true },
            ...{ hasCapabilities: true, lacks: [NO_USER] },
          },
        ]
      : [
          { ...BARE_ROOT, users, hasOwnNetwork: true, lacks: [] },
          { ...BARE_ROOT, users, lacks: [NO_NETWORK] },
          { ...BARE_ROOT, users: NOBODY, hasOwnNetwork: true, lacks: [SHARED_USER] },
          { ...BARE_ROOT, users: NOBODY, lacks: [SHARED_USER, NO_NETWORK] },
          { ...BARE_ROOT, hasOwnNetwork: true, lacks: [NO_USER] },
          { ...BARE_ROOT, lacks: [NO_USER, NO_NETWORK] },
        ];
  let problem = '';
  for (const { lacks, ...candidate } of candidates) {
    const failure = await tryOut(candidate, options);
    if (failure === undefined) {
      return { ...candidate, missing: lacks.map((text) => withReason(text, problem)) };
    }
    problem ||= failure;
  }
  return { ...NONE, missing: [withReason(NO_USER, problem), NO_NETWORK] };
}

/** Debian's user for what must own nothing. */
const NOBODY: UserRange = { firstUid: 65_534, count: 1 };
const NO_USER = 'workers run as the user that Drover runs as';
const SHARED_USER = 'all workers run as one user, nobody';
const NO_NETWORK = "workers are kept from the network by Node's permission model alone";

function withReason(text: string, problem: string): string {
  return problem === '' ? text : `${text} (${problem})`;
}

/** Undefined when it works; else the last thing that was said. */
async function tryOut(
  candidate: Candidate,
  { program, runDirectory }: ProbeOptions,
): Promise<string | undefined> {
  const { node, entry, readable } = program;
  const directory = join(runDirectory, 'probe');
  const flags = permissionFlags({
    ...{ readable, directory, binding: undefined },
    maxMemoryBytes: PROBE_BYTES,
  });
  // Loads what members load; without a link it ends at once. The folder must be within reach too.
  const check = `require('node:fs').accessSync(${JSON.stringify(entry)})`;
  const args = [...flags, '--eval', check];
  const command = confine(
    candidate,
    { uid: candidate.users?.firstUid, hasChildren: false },
    { file: node, args },
  );
  try {
    await promisify(execFile)(command.file, command.args, {
      env: { PATH: '/usr/bin:/bin' },
      cwd: runDirectory,
      timeout: PROBE_MS,
      killSignal: 'SIGKILL',
    });
    return undefined;
  } catch (thrown) {
    return lastLine(thrown);
  }
}

function lastLine(thrown: unknown): string {
  const stderr: unknown = thrown instanceof Error ? Reflect.get(thrown, 'stderr') : undefined;
  const text = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(thrown);
  const lines = text.split('\n').map((line) => line.trim());
  return (
    lines.find((line) => /error|failed|denied|not permitted/i.test(line)) ??
    lines[0] ??
    ''
  ).slice(0, 200);
}
