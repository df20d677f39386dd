/**
 * The machine domain put together over a real SQLite file and a host that is pretended. A `Life`
 * is one run of the process: `crash` ends it as kill -9 would, with everything it was about to do,
 * while the database and the guests stay for the next one.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Principal } from '#access/principal.ts';
import type { QuotaLimits } from '#access/quota.ts';
import { FakeHost, FakeHypervisor, type FakeOperation } from '#backends/fake/fake-hypervisor.ts';
import { FakeNetwork } from '#backends/fake/fake-network.ts';
import { EventSignal } from '#events/event-signal.ts';
import { isMachineEvent, type MachineEvent, type RecordedEvent } from '#events/event.ts';
import { DroverError, type ErrorKind } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { HostCapacity } from '#machines/host-capacity.ts';
import { IntentOutcomes } from '#machines/intent-outcomes.ts';
import type { MachineCommand } from '#machines/machine-command.ts';
import { MachineReconciler } from '#machines/machine-reconciler.ts';
import { MachineService, type CommandOutcome } from '#machines/machine-service.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import type { Machine } from '#machines/machine.ts';
import { createStores } from '#stores/create-stores.ts';
import type { Database } from '#stores/database.ts';
import { openDatabase } from '#stores/open-database.ts';
import { ADA, HOST, specOf, UNLIMITED } from '#test/contract/store-fixtures.ts';

export function customer(customerId: CustomerId): Principal {
  return { kind: 'customer', customerId, via: 'dev', scopes: ['customer'] };
}

export const OPERATOR: Principal = {
  kind: 'operator',
  name: 'ops',
  via: 'token',
  scopes: ['operator'],
};

export const BOOT: MachineCommand = { kind: 'boot' };
export const PAUSE: MachineCommand = { kind: 'pause' };
export const RESUME: MachineCommand = { kind: 'resume' };
export const shutdown = (force = false, timeoutMs = 30_000): MachineCommand => ({
  kind: 'shutdown',
  force,
  timeoutMs,
});
export const reboot = (force = false, timeoutMs = 30_000): MachineCommand => ({
  kind: 'reboot',
  force,
  timeoutMs,
});
export const remove = (force = false): MachineCommand => ({ kind: 'delete', force });

export interface WorldOptions {
  readonly vcpus?: number;
  readonly memoryMib?: number;
  readonly quota?: QuotaLimits;
}

/** What outlives the process: database, guests, networks, and events as they are told. */
export class World implements AsyncDisposable {
  readonly host = new FakeHost();
  readonly network = new FakeNetwork();
  readonly directory: string;
  readonly database: Database;
  readonly options: WorldOptions;
  nowMs = Date.UTC(2026, 0, 1);
  readonly #lives: Life[] = [];

  constructor(directory: string, database: Database, options: WorldOptions) {
    this.directory = directory;
    this.database = database;
    this.options = options;
  }

  /** A process starts, and has found its machines again. */
  async live(): Promise<Life> {
    const life = this.begin();
    await life.reconciler.start();
    return life;
  }

  begin(): Life {
    const life = new Life(this);
    this.#lives.push(life);
    return life;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const life of this.#lives) await life.close();
    await this.database[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true });
  }
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-machines-'));
  const database = await openDatabase({ url: `sqlite:${join(directory, 'drover.db')}` });
  return new World(directory, database, options);
}

/** Called before each call of a method of that name; may throw or wait. */
export type Interceptor = (method: string, args: readonly unknown[]) => Promise<void> | void;

/** The same object, but each method waits for `before`, which may throw. */
function intercept<T extends object>(target: T, before: Interceptor): T {
  return new Proxy(target, {
    get(_target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        await before(String(key), args);
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}

export const never = new Promise<never>(() => undefined);

export class Life {
  readonly world: World;
  readonly clock: FakeClock;
  readonly eventSignal = new EventSignal();
  readonly capacity: HostCapacity;
  readonly machines: MachineService;
  readonly reconciler: MachineReconciler;
  readonly store;
  readonly events;
  /** Called before every call to the store of machines, of those inside and of tests. */
  beforeStore: Interceptor = () => undefined;
  #isOver = false;

  constructor(world: World) {
    this.world = world;
    this.clock = new FakeClock(world.nowMs);
    const { clock, eventSignal } = this;
    const stores = createStores(world.database, { clock, eventSignal });
    this.events = stores.events;
    this.store = stores.machines;
    const store = intercept(stores.machines, async (method, args) => {
      if (this.#isOver) await never;
      await this.beforeStore(method, args);
      if (this.#isOver) await never;
    });
    const { host, network } = world;
    const { vcpus = 64, memoryMib = 65_536, quota = UNLIMITED } = world.options;
    this.capacity = new HostCapacity({ vcpus, memoryMib });
    const parts = {
      ...{ clock, store, network, capacity: this.capacity, log: silentLog, hostId: HOST },
      ...{ hypervisor: new FakeHypervisor(host), outcomes: new IntentOutcomes() },
    };
    this.reconciler = new MachineReconciler({
      ...parts,
      events: this.events,
      keepEventsMs: 3_600_000,
    });
    this.machines = new MachineService({ ...parts, owner: this.reconciler, defaultQuota: quota });
  }

  /** As kill -9: nothing of this life writes or finishes anything any more. */
  crash(): void {
    this.#isOver = true;
    this.world.nowMs = this.clock.nowMs() + 1000;
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    const closing = this.reconciler[Symbol.asyncDispose]();
    // What does not answer is waited for until the clock says it is enough.
    await this.clock.advance(10_000);
    await closing;
    this.#isOver = true;
    this.world.nowMs = this.clock.nowMs() + 1000;
  }

  create(name: string, spec: MachineSpec = specOf(), owner: CustomerId = ADA): Promise<Machine> {
    const nicFields = spec.nics.map((_, index) => `config.network[${index}]`);
    const command = { id: name as MachineId, customerId: owner, spec, nicFields };
    return this.machines.create(customer(owner), command);
  }

  do(
    name: string,
    command: MachineCommand,
    options: { readonly signal?: AbortSignal; readonly by?: Principal } = {},
  ): Promise<CommandOutcome> {
    const { signal = new AbortController().signal, by = OPERATOR } = options;
    return this.machines.command(by, name as MachineId, { command, signal });
  }

  async boot(name: string, spec: MachineSpec = specOf()): Promise<void> {
    await this.create(name, spec);
    await this.do(name, BOOT);
  }

  get(name: string): Promise<Machine> {
    return this.machines.get(OPERATOR, name as MachineId);
  }

  pidOf(name: string): number | undefined {
    return this.world.host.processes.get(name as MachineId)?.record.pid;
  }

  async eventsOf(name: string): Promise<readonly MachineEvent[]> {
    const query = { afterId: 0, machineId: name as MachineId, limit: 1000 };
    const recorded = await this.events.read(query);
    return recorded.filter((each) => isMachineEvent(each)).map(({ event }) => event);
  }

  /** The first event of the machine that fits, whether it has happened or is still to come. */
  async event(
    name: string,
    fits: (event: MachineEvent) => boolean,
  ): Promise<RecordedEvent<MachineEvent>> {
    for (;;) {
      const next = this.eventSignal.next();
      const query = { afterId: 0, machineId: name as MachineId, limit: 1000 };
      const recorded = await this.events.read(query);
      const found = recorded
        .filter((each) => isMachineEvent(each))
        .find(({ event }) => fits(event));
      if (found !== undefined) return found;
      await next;
    }
  }

  async pendingOf(name: string): Promise<number> {
    return (await this.store.pendingIntentsOf(name as MachineId)).length;
  }
}

export interface Held {
  /** Resolves when the operation has been reached. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Holds one operation on one machine until it is released, deaf to its signal. */
export function hold({ behaviour }: FakeHost, operation: FakeOperation, name: string): Held {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const { before } = behaviour;
  behaviour.before = async (now, id, signal) => {
    await before(now, id, signal);
    if (now !== operation || id !== name) return;
    reached.resolve();
    await released.promise;
  };
  return { reached: reached.promise, release: () => released.resolve() };
}

/** For `assert.rejects`: the kind, and what the message says. */
export function failure(kind: ErrorKind, message: RegExp, reason?: string) {
  return (thrown: unknown): true => {
    assert.ok(thrown instanceof DroverError, String(thrown));
    assert.equal(thrown.kind, kind, thrown.message);
    assert.match(thrown.message, message);
    if (reason !== undefined) assert.equal(thrown.reason, reason);
    return true;
  };
}

export function isState(state: string, reason?: string): (event: MachineEvent) => boolean {
  return (event) =>
    event.kind === 'machine.state-changed' &&
    event.state === state &&
    (reason === undefined || event.reason === reason);
}
