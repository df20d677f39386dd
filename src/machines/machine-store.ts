/**
 * Where machines and their intents are kept. Each method is one transaction, and whoever gets an
 * answer may rely on it surviving a crash. Events are written in the same transaction.
 */
import type { QuotaLimits, Usage } from '#access/quota.ts';
import type { MachineEvent } from '#events/event.ts';
import type { CustomerId, HostId, IntentId, MachineId } from '#kernel/ids.ts';
import type { ProcessRecord } from './hypervisor.ts';
import type { LeaseRequest } from './host-network.ts';
import type { IntentOutcome, MachineIntent } from './machine-intent.ts';
import type { MachineSpec } from './machine-spec.ts';
import type { Machine, MachineState } from './machine.ts';

export interface NewMachine {
  readonly id: MachineId;
  readonly customerId: CustomerId;
  readonly hostId: HostId;
  readonly spec: MachineSpec;
  readonly createdAt: number;
  readonly leases: readonly LeaseRequest[];
  /** Used when the customer has no limits of its own stored. */
  readonly defaultQuota: QuotaLimits;
  readonly event: MachineEvent;
}

/** What is observed anew; an absent key leaves the column as it is. */
export interface MachineUpdate {
  readonly state?: MachineState;
  readonly stateReason?: string;
  readonly stateMessage?: string;
  readonly stateChangedAt?: number;
  readonly process?: ProcessRecord | null;
  readonly bootedAt?: number | null;
  readonly isDeleting?: true;
  readonly updatedAt: number;
}

export type PagePosition =
  | { readonly kind: 'start' }
  /** Strictly after this machine in the order of the list. */
  | { readonly kind: 'keyset'; readonly createdAt: number; readonly id: string }
  | { readonly kind: 'offset'; readonly offset: number };

export interface MachineQuery {
  /** Absent: every customer's. */
  readonly customerId?: CustomerId | undefined;
  /** Empty: every state. */
  readonly states: readonly MachineState[];
  readonly limit: number;
  readonly position: PagePosition;
}

export interface MachinePage {
  /** Newest first: `createdAt` descending, then `id` descending. */
  readonly machines: readonly Machine[];
  readonly hasMore: boolean;
  /** All that match, read from counters, not counted. */
  readonly total: number;
}

export interface MachineStore {
  /**
   * `already_exists` when the id or a requested address is taken, `resource_exhausted` (by
   * access/quota.ts) when the customer's limits are, or when a range has no address left.
   */
  insert(machine: NewMachine): Promise<Machine>;
  get(id: MachineId): Promise<Machine | undefined>;
  list(query: MachineQuery): Promise<MachinePage>;
  /** Pages of a host's machines in order of id, for start-up; `afterId` is '' at first. */
  listByHost(hostId: HostId, afterId: string, limit: number): Promise<readonly Machine[]>;
  /** Machines per state, of all customers, from counters. */
  countByState(): Promise<Readonly<Record<MachineState, number>>>;
  usage(customerId: CustomerId): Promise<Usage>;
  /** Undefined: the customer has no limits of its own. */
  quota(customerId: CustomerId): Promise<QuotaLimits | undefined>;
  setQuota(customerId: CustomerId, limits: QuotaLimits): Promise<void>;

  /** Returns the machine as it now is, or undefined when it is gone. */
  update(
    id: MachineId,
    update: MachineUpdate,
    events: readonly MachineEvent[],
  ): Promise<Machine | undefined>;
  /**
   * Removes the row and its leases, and ends its intents: `done` are those that asked for the
   * removal and get the outcome, all other pending ones fail as not_found. Ended intents stay
   * readable until they are pruned.
   */
  remove(
    id: MachineId,
    events: readonly MachineEvent[],
    done: { readonly intents: readonly IntentId[]; readonly outcome: IntentOutcome; at: number },
  ): Promise<void>;

  /** `resource_exhausted` when `mostPending` are waiting already; not_found when it is gone. */
  addIntent(intent: MachineIntent, mostPending: number): Promise<void>;
  getIntent(id: IntentId): Promise<MachineIntent | undefined>;
  /** Queued and running ones of a host, oldest first, `limit` at most. */
  pendingIntents(hostId: HostId, limit: number): Promise<readonly MachineIntent[]>;
  /** Queued and running ones of one machine, oldest first. */
  pendingIntentsOf(machineId: MachineId): Promise<readonly MachineIntent[]>;
  /** Queued → running; false when it was withdrawn meanwhile. A running one stays running: true. */
  startIntent(id: IntentId, startedAt: number): Promise<boolean>;
  /** Withdraws a queued one (done with this outcome), or marks a running one cancel-requested. */
  cancelIntent(id: IntentId, at: number, outcome: IntentOutcome): Promise<void>;
  /** Ends the intent and records what came of it, in one transaction. */
  finishIntent(
    id: IntentId,
    outcome: IntentOutcome,
    change: {
      readonly machineId: MachineId;
      readonly update: MachineUpdate;
      readonly events: readonly MachineEvent[];
    },
  ): Promise<void>;
  /** Done intents older than the instant, `limit` at most. */
  pruneIntents(olderThan: number, limit: number): Promise<number>;
}
