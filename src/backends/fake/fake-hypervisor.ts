/**
 * A hypervisor without guests, for tests and benchmarks only. Its "processes" live in a
 * `FakeHost`, which outlives the hypervisor object as real processes outlive the daemon. A test
 * makes it slow, stuck or failing by setting `behaviour`.
 */
import { untilAborted } from '#kernel/abort.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type {
  ConsoleChunk,
  ConsoleLog,
  GuestExit,
  GuestSignal,
  GuestStats,
  Hypervisor,
  HypervisorHealth,
  LaunchRequest,
  ProcessRecord,
  RunningGuest,
} from '#machines/hypervisor.ts';

interface FakeProcess {
  readonly record: ProcessRecord;
  status: 'running' | 'paused';
  readonly exited: PromiseWithResolvers<GuestExit>;
  readonly resets: Set<() => void>;
}

export type FakeOperation =
  | 'launch'
  | 'adopt'
  | 'status'
  | 'pause'
  | 'resume'
  | 'reset'
  | 'ask'
  | 'kill'
  | 'discard'
  | 'stats';

export interface FakeBehaviour {
  /** The guest powers off when asked, unless it is paused; false: it ignores the button. */
  obeysPowerButton: boolean;
  /** Awaited before each operation of that name; may hang or throw. */
  before: (operation: FakeOperation, id: MachineId, signal: AbortSignal) => Promise<void> | void;
}

export class FakeHost {
  readonly processes = new Map<MachineId, FakeProcess>();
  readonly directories = new Set<MachineId>();
  readonly consoles = new Map<MachineId, string>();
  readonly behaviour: FakeBehaviour = { obeysPowerButton: true, before: () => undefined };
  readonly #readers = new Set<() => void>();
  nextPid = 1000;

  /** The guest, or somebody, ends the process. */
  end(id: MachineId, exit: GuestExit): void {
    const process = this.processes.get(id);
    this.processes.delete(id);
    process?.exited.resolve(exit);
  }

  /** The guest restarts itself within its process. */
  reset(id: MachineId): void {
    for (const call of this.processes.get(id)?.resets ?? []) call();
  }

  print(id: MachineId, text: string): void {
    this.consoles.set(id, (this.consoles.get(id) ?? '') + text);
    this.#wakeReaders();
  }

  /** As when the files of the log are removed. */
  dropConsole(id: MachineId): void {
    this.consoles.delete(id);
    this.#wakeReaders();
  }

  #wakeReaders(): void {
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const wake of readers) wake();
  }

  /** Resolves when any console changes next. */
  printed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#readers.add(resolve);
    return untilAborted(promise, signal).finally(() => this.#readers.delete(resolve));
  }
}

export class FakeHypervisor implements Hypervisor {
  readonly kind = 'fake';
  readonly capabilities = {
    supportsPause: true,
    supportsPowerButton: true,
    supportsFirmwareBoot: true,
    supportsSnapshot: false,
    supportsHotplug: false,
  };
  readonly host: FakeHost;

  constructor(host = new FakeHost()) {
    this.host = host;
  }

  health(): Promise<HypervisorHealth> {
    return Promise.resolve({ isHealthy: true, message: 'pretending' });
  }

  async launch(request: LaunchRequest, signal: AbortSignal): Promise<RunningGuest> {
    const id = request.machineId;
    signal.throwIfAborted();
    await this.host.behaviour.before('launch', id, signal);
    this.host.directories.add(id);
    if (!this.host.processes.has(id)) {
      const pid = this.host.nextPid++;
      this.host.processes.set(id, {
        record: { pid, startTicks: pid, socketPath: `fake:${id}`, argv: ['fake', id] },
        status: 'running',
        exited: Promise.withResolvers<GuestExit>(),
        resets: new Set(),
      });
      this.host.print(id, `booted ${id}\n`);
    }
    return this.#attach(id);
  }

  async adopt(
    id: MachineId,
    _record: ProcessRecord | undefined,
    signal: AbortSignal,
  ): Promise<RunningGuest | undefined> {
    await this.host.behaviour.before('adopt', id, signal);
    return this.host.processes.has(id) ? this.#attach(id) : undefined;
  }

  console(id: MachineId): ConsoleLog {
    return new FakeConsoleLog(this.host, id);
  }

  async discard(id: MachineId, signal: AbortSignal): Promise<void> {
    await this.host.behaviour.before('discard', id, signal);
    this.host.end(id, { reason: 'killed', message: 'discarded' });
    this.host.directories.delete(id);
    this.host.dropConsole(id);
  }

  leftovers(): Promise<readonly MachineId[]> {
    return Promise.resolve([...this.host.directories]);
  }

  #attach(id: MachineId): RunningGuest {
    const process = this.host.processes.get(id);
    if (process === undefined) throw gone(id);
    return new FakeGuest(this.host, id, process);
  }
}

class FakeConsoleLog implements ConsoleLog {
  readonly #host: FakeHost;
  readonly #id: MachineId;
  #seenEnd = -1;

  constructor(host: FakeHost, id: MachineId) {
    this.#host = host;
    this.#id = id;
  }

  read(offset: number, maxBytes: number): Promise<ConsoleChunk> {
    const all = this.#bytes();
    const from = offset < 0 ? Math.max(0, all.length + offset) : Math.min(all.length, offset);
    const data = all.slice(from, from + maxBytes);
    this.#seenEnd = from + data.length;
    return Promise.resolve({ offset: from, data, nextOffset: this.#seenEnd, isTruncated: false });
  }

  async changed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#bytes().length !== this.#seenEnd) return;
    await this.#host.printed(signal);
  }

  #bytes(): Uint8Array {
    return new TextEncoder().encode(this.#host.consoles.get(this.#id) ?? '');
  }
}

class FakeGuest implements RunningGuest {
  readonly record: ProcessRecord;
  readonly exited: Promise<GuestExit>;
  readonly #host: FakeHost;
  readonly #id: MachineId;
  readonly #process: FakeProcess;
  readonly #resets = new Set<() => void>();

  constructor(host: FakeHost, id: MachineId, process: FakeProcess) {
    this.#host = host;
    this.#id = id;
    this.#process = process;
    this.record = process.record;
    this.exited = process.exited.promise;
  }

  onReset(call: () => void): void {
    this.#resets.add(call);
    this.#process.resets.add(call);
  }

  async status(signal: AbortSignal): Promise<'running' | 'paused'> {
    await this.#host.behaviour.before('status', this.#id, signal);
    return this.#alive().status;
  }

  async pause(signal: AbortSignal): Promise<void> {
    await this.#host.behaviour.before('pause', this.#id, signal);
    this.#alive().status = 'paused';
  }

  async resume(signal: AbortSignal): Promise<void> {
    await this.#host.behaviour.before('resume', this.#id, signal);
    this.#alive().status = 'running';
  }

  async reset(signal: AbortSignal): Promise<void> {
    await this.#host.behaviour.before('reset', this.#id, signal);
    this.#alive().status = 'running';
  }

  async askToPowerOff(signal: AbortSignal): Promise<GuestSignal> {
    await this.#host.behaviour.before('ask', this.#id, signal);
    if (this.#alive().status === 'running' && this.#host.behaviour.obeysPowerButton) {
      this.#host.end(this.#id, { reason: 'guest-poweroff', message: 'the guest powered off' });
    }
    return 'power-button';
  }

  async kill(signal: AbortSignal): Promise<void> {
    await this.#host.behaviour.before('kill', this.#id, signal);
    if (this.#host.processes.get(this.#id) === this.#process) {
      this.#host.end(this.#id, { reason: 'killed', message: 'killed' });
    }
  }

  async stats(signal: AbortSignal): Promise<GuestStats> {
    await this.#host.behaviour.before('stats', this.#id, signal);
    const { pid } = this.#alive().record;
    return {
      cpuTimeNanos: pid * 1e6,
      cpuPercent: undefined,
      memoryBytes: pid * 1024,
      diskReadBytes: 0,
      diskWriteBytes: 0,
      diskReadOps: 0,
      diskWriteOps: 0,
      netRxBytes: 0,
      netTxBytes: 0,
      netRxPackets: 0,
      netTxPackets: 0,
      sampledAt: 0,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const call of this.#resets) this.#process.resets.delete(call);
    return Promise.resolve();
  }

  #alive(): FakeProcess {
    if (this.#host.processes.get(this.#id) !== this.#process) throw gone(this.#id);
    return this.#process;
  }
}

function gone(id: MachineId): DroverError {
  return new DroverError('unavailable', `the process of VM ${id} is gone`, {
    reason: 'GUEST_GONE',
  });
}
