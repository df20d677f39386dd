/**
 * A guest under control: its process, watched until it ends, and its QMP connection.
 *
 *     connected ──socket lost──▶ unheard ──tried again every few seconds, and by each command──▶
 *         │                         │                                               connected
 *         └───── process gone ──────┴──▶ ended (`exited` resolves)
 *
 * An unheard guest is still honest: commands fail with `unavailable`, and `kill`, which needs the
 * process alone, works. The end is noticed by the parent at once, by a lost socket at once, and by
 * a look at the process twice a second in any case.
 *
 * Powering off: the button reaches every guest with ACPI, which both machine types have; the
 * agent reaches those that ignore buttons. Both are tried, the button first, since a second
 * request to a guest going down does no harm. Ctrl-Alt-Del is not sent: to most systems it means
 * restart.
 */
import { constants } from 'node:fs/promises';

import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock, Timer } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type {
  GuestExit,
  GuestSignal,
  GuestStats,
  ProcessRecord,
  RunningGuest,
} from '#machines/hypervisor.ts';
import { ConsoleRotation, settleConsole } from './console-log.ts';
import { askAgentToPowerOff } from './guest-agent.ts';
import type { GuestLife } from './guest-life.ts';
import { GuestStatsReader } from './guest-stats.ts';
import type { LaunchNotes, MachineDirectory } from './machine-directory.ts';
import { CONSOLE_FILE, QEMU_LOG_FILE, QMP_SOCKET } from './machine-files.ts';
import { isAlive, signalProcess, type ProcessIdentity } from './process-table.ts';
import { CONSOLE_CHARDEVS } from './qemu-argv.ts';
import type { ProcessEnd } from './qemu-process.ts';
import { openQmpClient, type QmpClient } from './qmp-client.ts';

export interface QemuGuestParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: MachineDirectory;
  readonly notes: LaunchNotes;
  readonly record: ProcessRecord;
  readonly life: GuestLife;
  /** Undefined when QEMU does not answer. */
  readonly qmp: QmpClient | undefined;
  /** Known to the parent of the process alone. */
  readonly ended: Promise<ProcessEnd> | undefined;
  readonly consoleFileBytes: number;
}

const LOOK_MS = 500;
const SECOND_LOOK_MS = 50;
const UPKEEP_MS = SECOND_MS;
const RECONNECT_MS = 5 * SECOND_MS;
const CONNECT_MS = 2 * SECOND_MS;
/** QEMU writes out what it holds of the disks on SIGTERM; not all QEMUs are well enough to. */
const TERM_MS = SECOND_MS;
const LAST_WORDS_MS = 200;
const MOST_LOG_BYTES = MIB;

export class QemuGuest implements RunningGuest {
  readonly record: ProcessRecord;
  readonly exited: Promise<GuestExit>;
  readonly #parts: QemuGuestParts;
  readonly #exited = Promise.withResolvers<GuestExit>();
  readonly #stats: GuestStatsReader;
  readonly #rotation: ConsoleRotation;
  readonly #timers: Timer[] = [];
  readonly #letGo = new AbortController();
  #qmp: QmpClient | undefined;
  #connecting: Promise<QmpClient> | undefined;
  #triedAtMs = 0;
  #lostAtMs = -Infinity;
  #isEnding = false;
  #upkeep: Promise<void> | undefined;

  constructor(parts: QemuGuestParts) {
    this.#parts = parts;
    this.record = parts.record;
    this.exited = this.#exited.promise;
    this.#stats = new GuestStatsReader({
      clock: parts.clock,
      identity: parts.record,
      tapDevices: parts.notes.tapDevices,
      blockStats: async (signal) =>
        (await this.#client(signal)).execute('query-blockstats', { signal }),
    });
    const reopen = () => this.#reopenConsole();
    this.#rotation = new ConsoleRotation(parts.directory, reopen, parts.consoleFileBytes);
    if (parts.qmp !== undefined) this.#attach(parts.qmp);
    this.#triedAtMs = parts.clock.monotonicMs();
    void parts.ended?.then((end) => this.#end(end));
    this.#timers.push(parts.clock.every(LOOK_MS, () => this.#look()));
    const keepUp = () => {
      this.#upkeep ??= this.#keepUp().finally(() => (this.#upkeep = undefined));
    };
    this.#timers.push(parts.clock.every(UPKEEP_MS, keepUp));
  }

  get #identity(): ProcessIdentity {
    return this.record;
  }

  onReset(call: () => void): void {
    this.#parts.life.onReset(call);
  }

  async status(signal: AbortSignal): Promise<'running' | 'paused'> {
    const client = await this.#client(signal);
    const { isRunning } = await client.execute('query-status', { signal });
    return isRunning ? 'running' : 'paused';
  }

  async pause(signal: AbortSignal): Promise<void> {
    await (await this.#client(signal)).execute('stop', { signal });
  }

  async resume(signal: AbortSignal): Promise<void> {
    await (await this.#client(signal)).execute('cont', { signal });
  }

  /** A paused guest runs again afterwards. */
  async reset(signal: AbortSignal): Promise<void> {
    const client = await this.#client(signal);
    await client.execute('system_reset', { signal });
    await client.execute('cont', { signal });
  }

  async askToPowerOff(signal: AbortSignal): Promise<GuestSignal> {
    const { directory, clock } = this.#parts;
    await (await this.#client(signal)).execute('system_powerdown', { signal });
    return (await askAgentToPowerOff(directory, clock, signal)) ? 'guest-agent' : 'power-button';
  }

  async kill(signal: AbortSignal): Promise<void> {
    const { clock, life } = this.#parts;
    signal.throwIfAborted();
    if (!isAlive(this.#identity)) {
      this.#look();
      await untilAborted(this.exited, signal);
      return;
    }
    life.isKilled = true;
    signalProcess(this.#identity, 'SIGTERM');
    using _timer = clock.after(TERM_MS, () => signalProcess(this.#identity, 'SIGKILL'));
    // Not everybody has the parent's notice: look often until it is gone.
    using _looks = clock.every(SECOND_LOOK_MS, () => this.#look());
    await untilAborted(this.exited, signal);
  }

  stats(signal: AbortSignal): Promise<GuestStats> {
    return this.#stats.read(signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#letGo.abort(new Error('the guest is let go'));
    for (const timer of this.#timers) timer.cancel();
    this.#qmp?.[Symbol.dispose]();
    this.#qmp = undefined;
    return Promise.resolve();
  }

  #attach(client: QmpClient): void {
    this.#qmp = client;
    void client.closed.then(() => {
      if (this.#letGo.signal.aborted) return;
      if (this.#qmp === client) {
        this.#qmp = undefined;
        this.#lostAtMs = this.#parts.clock.monotonicMs();
      }
      // The socket closes a moment before the process is gone.
      this.#look();
      this.#parts.clock.after(SECOND_LOOK_MS, () => this.#look());
    });
  }

  async #client(signal: AbortSignal): Promise<QmpClient> {
    if (this.#letGo.signal.aborted) throw new Error('the guest was let go');
    if (this.#qmp?.isOpen === true) return this.#qmp;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await untilAborted(this.#connecting, signal);
  }

  async #connect(): Promise<QmpClient> {
    const { clock, directory, life } = this.#parts;
    this.#triedAtMs = clock.monotonicMs();
    if (!isAlive(this.#identity)) throw unanswered('its process is gone', undefined);
    using deadline = openDeadline(clock, CONNECT_MS, 'connecting to QEMU', this.#letGo.signal);
    try {
      const client = await directory.withSocket(QMP_SOCKET, (path) =>
        openQmpClient(path, {
          clock,
          signal: deadline.signal,
          onEvent: (event) => life.observe(event),
        }),
      );
      this.#attach(client);
      return client;
    } catch (thrown) {
      throw unanswered('its process lives but does not answer; a forced shutdown works', thrown);
    }
  }

  #look(): void {
    if (this.#isEnding || isAlive(this.#identity)) return;
    const { clock, ended } = this.#parts;
    // A parent hears the status of the process in a moment.
    if (ended === undefined) void this.#end(undefined);
    else this.#timers.push(clock.after(LAST_WORDS_MS, () => void this.#end(undefined)));
  }

  async #end(end: ProcessEnd | undefined): Promise<void> {
    if (this.#isEnding || this.#letGo.signal.aborted) return;
    this.#isEnding = true;
    for (const timer of this.#timers) timer.cancel();
    const client = this.#qmp;
    const isJustLost = this.#parts.clock.monotonicMs() - this.#lostAtMs < 2 * LOOK_MS;
    if (client !== undefined) await this.#hearOut(client);
    await this.#settleConsole();
    this.#exited.resolve(this.#parts.life.conclude(end, client !== undefined || isJustLost));
  }

  /** What QEMU said last may still be on its way through the socket. */
  async #hearOut(client: QmpClient): Promise<void> {
    const waited = Promise.withResolvers<void>();
    using _timer = this.#parts.clock.after(LAST_WORDS_MS, () => waited.resolve());
    await Promise.race([client.closed, waited.promise]);
    client[Symbol.dispose]();
  }

  /** Readers are to see all of what it printed, also if a rotation was under way. */
  async #settleConsole(): Promise<void> {
    const { directory, log } = this.#parts;
    await this.#upkeep;
    try {
      await settleConsole(directory);
    } catch (error) {
      log.warn({ directory: directory.path, error }, 'the end of a console cannot be shown yet');
    }
  }

  /** Rotates the console, bounds QEMU's log, and looks for a connection that was lost. */
  async #keepUp(): Promise<void> {
    if (this.#isEnding) return;
    try {
      const { clock } = this.#parts;
      if (this.#qmp !== undefined) {
        await this.#boundFiles();
      } else if (clock.monotonicMs() - this.#triedAtMs >= RECONNECT_MS) {
        await this.#client(this.#letGo.signal);
      }
    } catch (thrown) {
      if (this.#letGo.signal.aborted || this.#isEnding) return;
      const { log, directory } = this.#parts;
      const error = toDroverError(thrown);
      log.debug({ directory: directory.path, error }, 'upkeep of a guest failed; trying again');
    }
  }

  async #boundFiles(): Promise<void> {
    const { directory, notes } = this.#parts;
    if (notes.isConsoleLogged) await this.#rotation.rotate();
    await using file = await directory.open(QEMU_LOG_FILE, constants.O_RDWR);
    if ((await file.stat()).size > MOST_LOG_BYTES) await file.truncate();
  }

  async #reopenConsole(): Promise<void> {
    const { serial, virtio } = CONSOLE_CHARDEVS;
    const client = await this.#client(this.#letGo.signal);
    const data = { out: CONSOLE_FILE, append: true };
    for (const id of [serial, ...(this.#parts.notes.hasVirtioConsole ? [virtio] : [])]) {
      await client.execute('chardev-change', {
        arguments: { id, backend: { type: 'file', data } },
      });
    }
  }
}

function unanswered(why: string, cause: unknown): DroverError {
  return new DroverError('unavailable', `the VM cannot be reached: ${why}`, {
    reason: 'GUEST_UNREACHABLE',
    cause,
  });
}
