/**
 * What can be done with machines, whoever asks and over whatever protocol. A command becomes an
 * intent in the store, the owner of the machine is woken, and the caller waits for the outcome;
 * if the caller leaves, an intent that has not begun is withdrawn and one that only waits for the
 * guest stops waiting. Anything else goes on to its end.
 */
import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { createIntentId, type CustomerId, type HostId, type MachineId } from '#kernel/ids.ts';
import { assertMayChange, customerScopeOf, type Principal } from '#access/principal.ts';
import type { QuotaLimits, Usage } from '#access/quota.ts';
import type { HostCapacity } from './host-capacity.ts';
import type { HostNetwork } from './host-network.ts';
import type { ConsoleLog, GuestStats, Hypervisor } from './hypervisor.ts';
import type { IntentOutcomes } from './intent-outcomes.ts';
import { beingDeletedError, decide, deniedError, type MachineCommand } from './machine-command.ts';
import { createdEvent } from './machine-events.ts';
import type { IntentOutcome, MachineIntent } from './machine-intent.ts';
import { ownerOf } from './machine-owner.ts';
import type { MachineSpec } from './machine-spec.ts';
import type { MachinePage, MachineQuery, MachineStore } from './machine-store.ts';
import type { Machine, MachineState } from './machine.ts';

/** How often a waiter asks the store, in case the owner is another process. */
const OUTCOME_POLL_MS = 1000;
const MOST_PENDING_PER_MACHINE = 16;

export interface MachineServiceParts {
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly store: MachineStore;
  readonly hypervisor: Hypervisor;
  readonly network: HostNetwork;
  readonly capacity: HostCapacity;
  readonly outcomes: IntentOutcomes;
  readonly defaultQuota: QuotaLimits;
  readonly owner: {
    wake(): void;
    stats(id: MachineId, signal: AbortSignal): Promise<GuestStats | undefined>;
  };
}

export interface CreateMachine {
  readonly id: MachineId;
  /** Whose it will be; see machine-owner.ts. */
  readonly customerId: CustomerId;
  readonly spec: MachineSpec;
  /** How the caller named NIC i, for refusals. */
  readonly nicFields: readonly string[];
}

export interface CommandOutcome {
  readonly state: MachineState;
  readonly detail: string;
}

export class MachineService {
  readonly #parts: MachineServiceParts;

  constructor(parts: MachineServiceParts) {
    this.#parts = parts;
  }

  async create(principal: Principal, command: CreateMachine): Promise<Machine> {
    assertMayChange(principal);
    const { capacity, network, store, clock, hostId, defaultQuota } = this.#parts;
    const { id } = command;
    const customerId = ownerOf(principal, command.customerId);
    capacity.assertCouldFit(command.spec);
    return await store.insert({
      id,
      customerId,
      hostId,
      spec: command.spec,
      createdAt: clock.nowMs(),
      leases: network.planLeases(command.spec.nics, command.nicFields),
      defaultQuota,
      event: createdEvent({ id, customerId }),
    });
  }

  /** Another customer's machine and one that does not exist get the same answer. */
  async get(principal: Principal, id: MachineId): Promise<Machine> {
    const machine = await this.#parts.store.get(id);
    const scope = customerScopeOf(principal);
    if (machine === undefined || (scope !== undefined && machine.customerId !== scope)) {
      throw new DroverError('not_found', `VM ${id} not found or not owned by customer`, {
        reason: 'VM_NOT_FOUND',
        metadata: { vm_id: id },
      });
    }
    return machine;
  }

  async list(principal: Principal, query: Omit<MachineQuery, 'customerId'>): Promise<MachinePage> {
    return await this.#parts.store.list({ ...query, customerId: customerScopeOf(principal) });
  }

  /** What the machine uses now; undefined when it does not run. */
  async stats(machine: Machine, signal: AbortSignal): Promise<GuestStats | undefined> {
    return await this.#parts.owner.stats(machine.id, signal);
  }

  async console(principal: Principal, id: MachineId): Promise<ConsoleLog> {
    const machine = await this.get(principal, id);
    return this.#parts.hypervisor.console(machine.id);
  }

  async command(
    principal: Principal,
    id: MachineId,
    { command, signal }: { readonly command: MachineCommand; readonly signal: AbortSignal },
  ): Promise<CommandOutcome> {
    assertMayChange(principal);
    const machine = await this.get(principal, id);
    const settled = await this.#settledNow(machine, command);
    if (settled !== undefined) return settled;
    const outcome = await this.#ask(machine, command, signal);
    if (outcome.kind === 'done') return outcome;
    const { kind, message, reason, metadata } = outcome.error;
    throw new DroverError(kind, message, { reason, metadata });
  }

  async quota(customerId: CustomerId): Promise<{ limits: QuotaLimits; use: Usage }> {
    const { store, defaultQuota } = this.#parts;
    const limits = (await store.quota(customerId)) ?? defaultQuota;
    return { limits, use: await store.usage(customerId) };
  }

  async setQuota(customerId: CustomerId, limits: QuotaLimits): Promise<void> {
    await this.#parts.store.setQuota(customerId, limits);
  }

  /**
   * With nothing pending, what the table ignores or denies is answered without a write. The
   * owner decides again when it takes the intent up; only its decision moves anything.
   */
  async #settledNow(
    machine: Machine,
    command: MachineCommand,
  ): Promise<CommandOutcome | undefined> {
    if (machine.isDeleting) {
      if (command.kind === 'delete') return undefined;
      throw beingDeletedError(machine.id);
    }
    const decision = decide(command, machine.state);
    if (decision.kind === 'accept') return undefined;
    if ((await this.#parts.store.pendingIntentsOf(machine.id)).length > 0) return undefined;
    if (decision.kind === 'ignore') return { state: machine.state, detail: 'already' };
    throw deniedError(machine.id, command, { state: machine.state, why: decision.why });
  }

  async #ask(
    machine: Machine,
    command: MachineCommand,
    signal: AbortSignal,
  ): Promise<IntentOutcome> {
    const { store, clock, outcomes, owner } = this.#parts;
    signal.throwIfAborted();
    const intent: MachineIntent = {
      id: createIntentId(),
      machineId: machine.id,
      hostId: machine.hostId,
      command,
      requestedAt: clock.nowMs(),
      status: 'queued',
      startedAt: undefined,
      isCancelRequested: false,
      outcome: undefined,
    };
    using waiter = outcomes.expect(intent.id);
    await store.addIntent(intent, MOST_PENDING_PER_MACHINE);
    owner.wake();
    try {
      // The caller may have gone while the intent was being stored.
      signal.throwIfAborted();
      return await untilAborted(this.#outcome(intent, waiter.outcome, signal), signal);
    } catch (thrown) {
      if (signal.aborted) await this.#withdraw(intent);
      throw thrown;
    }
  }

  async #outcome(
    intent: MachineIntent,
    told: Promise<IntentOutcome>,
    signal: AbortSignal,
  ): Promise<IntentOutcome> {
    const { store, clock } = this.#parts;
    for (;;) {
      const polling = new AbortController();
      const stop = AbortSignal.any([polling.signal, signal]);
      // Losing the race ends the sleep by aborting it; that rejection says nothing.
      const asleep = clock.sleep(OUTCOME_POLL_MS, stop).catch(() => undefined);
      const outcome = await Promise.race([told, asleep]);
      polling.abort();
      if (outcome !== undefined) return outcome;
      signal.throwIfAborted();
      const stored = await store.getIntent(intent.id);
      if (stored?.outcome !== undefined) return stored.outcome;
    }
  }

  async #withdraw(intent: MachineIntent): Promise<void> {
    const { store, clock, owner } = this.#parts;
    const error = {
      kind: 'cancelled' as const,
      message: 'the caller withdrew the command before it began',
      reason: 'WITHDRAWN',
      metadata: {},
    };
    await store.cancelIntent(intent.id, clock.nowMs(), { kind: 'failed', error });
    owner.wake();
  }
}
