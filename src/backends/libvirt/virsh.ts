/**
 * Runs virsh, the client that every host with libvirt has: one process a command, its arguments an
 * array, bounded in time and in output. It does ssh, polkit and the protocol's versions for us.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { LibvirtUri } from '#transfers/libvirt-uri.ts';
import { virshFailure } from './virsh-error.ts';

export interface VirshCall {
  readonly signal: AbortSignal;
  /** Undefined: what a question may take; an upload takes as long as it takes. */
  readonly timeoutMs?: number;
  /** Looks after a long command while it runs, and comes back when that has ended. */
  readonly attend?: (running: RunningVirsh) => Promise<void>;
}

export interface RunningVirsh {
  readonly pid: number;
  /** Aborts when it has ended. */
  readonly ended: AbortSignal;
  /** Has it stand still. Whoever does so lets it go again. */
  hold(): void;
  release(): void;
}

/** The libvirt of one URI. */
export interface Virsh {
  /** What the command printed. Values are written `--option=value`, so that none is an option. */
  run(args: readonly [string, ...string[]], call: VirshCall): Promise<string>;
}

export interface ProcessVirshOptions {
  readonly uri: LibvirtUri;
  readonly clock: Clock;
  /** Of this process: where the session's sockets and the agent of ssh are is taken from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Program = readonly [string, ...string[]];

const PLAIN: Program = ['virsh'];
/**
 * Nobody lets a virsh go that is being held when Drover is killed, and one that is not would go on
 * to send for hours what the next attempt is to send.
 */
const ENDS_WITH_US: Program =
  process.platform === 'linux' ? ['setpriv', '--pdeathsig=KILL', '--', 'virsh'] : PLAIN;
const TIMEOUT_MS = 30 * SECOND_MS;
const MOST_OUTPUT_BYTES = 8 * MIB;
const KEPT_VARIABLES = [
  ...['HOME', 'USER', 'LOGNAME', 'SSH_AUTH_SOCK'],
  ...['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME'],
];
/** Fixed, so that they are found whatever the PATH of the user who started Drover. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class ProcessVirsh implements Virsh {
  readonly #uri: LibvirtUri;
  readonly #clock: Clock;
  readonly #environment: Record<string, string>;

  constructor({ uri, clock, environment }: ProcessVirshOptions) {
    this.#uri = uri;
    this.#clock = clock;
    const kept = KEPT_VARIABLES.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    this.#environment = { ...Object.fromEntries(kept), PATH, LC_ALL: 'C' };
  }

  async run(args: readonly [string, ...string[]], call: VirshCall): Promise<string> {
    // Of several, the first is what it is about.
    const [command = ''] = args[0].split(' ', 1);
    const timeoutMs = call.timeoutMs ?? TIMEOUT_MS;
    const what = `libvirt, asked to ${command},`;
    using deadline = openDeadline(this.#clock, timeoutMs, what, call.signal);
    deadline.signal.throwIfAborted();
    const [program, ...before] = call.attend === undefined ? PLAIN : ENDS_WITH_US;
    const child = spawn(program, [...before, '--quiet', '--connect', this.#uri.text, ...args], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: an ssh that waits for a host that is mute does not end with its virsh.
      detached: true,
    });
    const { promise: ended, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals>();
    child.on('error', (error) => child.pid === undefined && reject(error));
    child.on('close', (code, killer) => resolve(code ?? killer ?? 'SIGKILL'));
    const kill = () => child.pid !== undefined && killGroup(child.pid);
    const stdout = new BoundedText(child.stdout, kill);
    const stderr = new BoundedText(child.stderr, kill);
    let end: number | NodeJS.Signals;
    deadline.signal.addEventListener('abort', kill, { once: true });
    const attended = attend(child, call);
    attended.catch(kill);
    try {
      end = await ended;
    } catch (thrown) {
      if (systemErrorCode(thrown) === 'ENOENT') throw virshMissing(thrown);
      throw thrown;
    } finally {
      deadline.signal.removeEventListener('abort', kill);
    }
    if (call.signal.aborted) throw call.signal.reason as Error;
    await attended;
    if (deadline.signal.aborted) throw tooSlow(command, timeoutMs);
    if (stdout.isTooLong || stderr.isTooLong) throw tooMuch(command);
    if (typeof end === 'string') throw killed(command, end);
    if (end !== 0) throw virshFailure(command, stderr.text);
    return stdout.text;
  }
}

/** Throws what whoever attends throws, for which the command then ends. */
async function attend(child: ChildProcess, call: VirshCall): Promise<void> {
  const { pid } = child;
  if (pid === undefined || call.attend === undefined) return;
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  await call.attend({
    ...{ pid, ended: ended.signal },
    // Node sends nothing once it has heard of the end: by then the number may be another's.
    hold: () => void child.kill('SIGSTOP'),
    release: () => void child.kill('SIGCONT'),
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

class BoundedText {
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(stream: Readable, onTooLong: () => void) {
    stream.on('error', onTooLong);
    stream.on('data', (chunk: Buffer) => {
      this.#sizeBytes += chunk.length;
      if (this.isTooLong) onTooLong();
      else this.#chunks.push(chunk);
    });
  }

  get isTooLong(): boolean {
    return this.#sizeBytes > MOST_OUTPUT_BYTES;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

function virshMissing(cause: unknown): DroverError {
  return new DroverError(
    'failed_precondition',
    'the destination kvm needs the program virsh here; install the package libvirt-clients',
    {
      reason: 'PROGRAM_MISSING',
      metadata: { program: 'virsh', package: 'libvirt-clients' },
      cause,
    },
  );
}

/** Not the caller's deadline, but a daemon that hangs: another attempt may find it well. */
function tooSlow(command: string, timeoutMs: number): DroverError {
  const text = `libvirt, asked to ${command}, gave no answer within ${timeoutMs / SECOND_MS} s`;
  return new DroverError('unavailable', text, { reason: 'LIBVIRT_SILENT' });
}

/** As by SIGPIPE, when the connection breaks while a disk is being sent. */
function killed(command: string, signal: NodeJS.Signals): DroverError {
  const text = `the connection to libvirt, asked to ${command}, broke: virsh ended by ${signal}`;
  return new DroverError('unavailable', text, { reason: 'LIBVIRT_UNREACHABLE' });
}

function tooMuch(command: string): DroverError {
  const text = `libvirt, asked to ${command}, answered more than ${MOST_OUTPUT_BYTES} bytes`;
  return new DroverError('internal', text, { reason: 'LIBVIRT_ANSWER_TOO_LONG' });
}
