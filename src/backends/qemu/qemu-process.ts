/**
 * Starts QEMU so that it outlives Drover: in a session of its own, in the machine's directory,
 * holding nothing of Drover's but its log file. As root, QEMU runs as another user from its first
 * instruction on; when that user may not open /dev/net/tun and the machine has taps, it gets a
 * tun device in a mount namespace of its own. Each step replaces the one before (exec), so the
 * pid that was started is QEMU's.
 *
 *     unshare --mount ─exec─▶ with-own-tun.sh ─exec─▶ setpriv ─exec─▶ qemu      (taps, as root)
 *     qemu                                                                      (otherwise)
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { watch } from 'node:fs';
import { constants, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { untilAborted } from '#kernel/abort.ts';
import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { launchError } from './launch-error.ts';
import type { MachineDirectory } from './machine-directory.ts';
import { PID_FILE, QEMU_LOG_FILE, QMP_SOCKET } from './machine-files.ts';
import { readProcessStat, type ProcessIdentity } from './process-table.ts';
import type { QmpEvent } from './qmp-commands.ts';
import { openQmpClient, type QmpClient } from './qmp-client.ts';
import type { QemuUser } from './qemu-user.ts';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartedProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly qmp: QmpClient;
}

export interface StartOptions {
  readonly clock: Clock;
  readonly binary: string;
  readonly args: readonly string[];
  readonly directory: MachineDirectory;
  readonly runAs: QemuUser | undefined;
  readonly needsTun: boolean;
  readonly signal: AbortSignal;
  readonly onEvent: (event: QmpEvent) => void;
}

const WITH_OWN_TUN = fileURLToPath(new URL('./with-own-tun.sh', import.meta.url));
const RETRY_FIRST_MS = 1;
const RETRY_MOST_MS = 20;
const REAP_MS = 5000;
const MOST_LOG_BYTES = 64 * 1024;

/** Returns when QEMU answers; if it never does, nothing of it is left running. */
export async function startQemu(options: StartOptions): Promise<StartedProcess> {
  const { directory, signal, clock } = options;
  signal.throwIfAborted();
  // Appending, so that it can be cut to nothing while QEMU has it open.
  await using log = await directory.create(QEMU_LOG_FILE, constants.O_APPEND);
  const child = spawnQemu(options, log);
  const ended = endOf(child);
  try {
    if (child.pid === undefined) throw await spawnError(child, options);
    const { pid } = child;
    // Written here and not by QEMU, whose user may not see the folders above this one.
    await directory.write(PID_FILE, `${pid}\n`);
    const stat = await readProcessStat(pid);
    if (stat === undefined) throw new Error('QEMU was gone at once');
    const failed = new AbortController();
    void ended.then(() => failed.abort(new Error('QEMU ended while starting')));
    const until = AbortSignal.any([signal, failed.signal]);
    const qmp = await connectWhenThere(options, until);
    child.unref();
    return { identity: { pid, startTicks: stat.startTicks }, ended, qmp };
  } catch (thrown) {
    await reap(child, ended, clock);
    signal.throwIfAborted();
    if (thrown instanceof DroverError && thrown.reason === 'PROGRAM_MISSING') throw thrown;
    throw launchError(await readLog(directory), options.runAs, thrown);
  }
}

function spawnQemu(options: StartOptions, log: FileHandle): ChildProcess {
  const { binary, args, directory, runAs, needsTun } = options;
  const shared = {
    cwd: directory.path,
    detached: true,
    stdio: ['ignore', log.fd, log.fd] satisfies ['ignore', number, number],
  };
  if (runAs === undefined) return spawn(binary, args, shared);
  if (!needsTun) return spawn(binary, args, { ...shared, uid: runAs.uid, gid: runAs.gid });
  const asUser = ['setpriv', `--reuid=${runAs.uid}`, `--regid=${runAs.gid}`, '--clear-groups'];
  const inner = [WITH_OWN_TUN, String(runAs.uid), ...asUser, '--', binary, ...args];
  // `slave`: what the host mounts and unmounts later is seen in there, and not the other way.
  return spawn('unshare', ['--mount', '--propagation', 'slave', '--', ...inner], shared);
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
  child.once('exit', (code, signal) => resolve({ code, signal }));
  return promise;
}

async function spawnError(child: ChildProcess, { binary }: StartOptions): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  child.once('error', resolve);
  const error = await promise;
  if (systemErrorCode(error) !== 'ENOENT') return error;
  return new DroverError(
    'failed_precondition',
    `the program ${binary} is missing on this host; install the package qemu-system-x86`,
    { reason: 'PROGRAM_MISSING', cause: error },
  );
}

/**
 * QEMU listens a few milliseconds after it is started. The folder tells when the socket appears,
 * and a short retry covers the moment between its name and its listening.
 */
async function connectWhenThere(options: StartOptions, signal: AbortSignal): Promise<QmpClient> {
  const { directory, clock, onEvent } = options;
  let changed = Promise.withResolvers<void>();
  using _watcher = watchForSocket(directory, () => changed.resolve());
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await directory.withSocket(QMP_SOCKET, (path) =>
        openQmpClient(path, { clock, signal, onEvent }),
      );
    } catch (thrown) {
      signal.throwIfAborted();
      if (!isNotListeningYet(thrown)) throw thrown;
    }
    const waitMs = backoffMs(attempt, RETRY_FIRST_MS, RETRY_MOST_MS);
    await untilAborted(Promise.race([changed.promise, clock.sleep(waitMs, signal)]), signal);
    changed = Promise.withResolvers<void>();
  }
}

function isNotListeningYet(thrown: unknown): boolean {
  const code = systemErrorCode(thrown instanceof DroverError ? thrown.cause : thrown);
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

function watchForSocket(directory: MachineDirectory, onChange: () => void): Disposable {
  try {
    const watcher = watch(directory.path, { persistent: false }, (_, name) => {
      if (name === QMP_SOCKET) onChange();
    });
    watcher.on('error', () => undefined);
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    // This host has no watches left: the retries find the socket, a little later.
    return { [Symbol.dispose]: () => undefined };
  }
}

async function reap(child: ChildProcess, ended: Promise<ProcessEnd>, clock: Clock): Promise<void> {
  if (child.pid === undefined) return;
  child.kill('SIGKILL');
  const giveUp = new AbortController();
  using _timer = clock.after(REAP_MS, () => giveUp.abort(new Error('QEMU does not die')));
  await untilAborted(ended, giveUp.signal);
}

async function readLog(directory: MachineDirectory): Promise<string> {
  await using file = await directory.open(QEMU_LOG_FILE, constants.O_RDONLY);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_LOG_BYTES), 0, MOST_LOG_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
