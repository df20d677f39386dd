/**
 * Reading side of the outbox. Writing happens inside the stores' transactions; a store that
 * commits events calls `EventSignal.notify` after the commit.
 */
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { EventKind, RecordedEvent } from './event.ts';

export interface EventQuery {
  /** Events with a greater id only. */
  readonly afterId: number;
  /** Absent: every customer's. */
  readonly customerId?: CustomerId | undefined;
  readonly machineId?: MachineId | undefined;
  /** Absent: of every kind. */
  readonly kinds?: readonly EventKind[] | undefined;
  readonly limit: number;
}

export interface EventLog {
  /** In order of id. */
  read(query: EventQuery): Promise<readonly RecordedEvent[]>;
  /** The id of the newest event, 0 when there is none yet. */
  lastId(): Promise<number>;
  /** Ids up to this one have been pruned; asking for events after a smaller id is too late. */
  prunedThroughId(): Promise<number>;
  /** Removes events older than the instant, `limit` at most, and says how many went. */
  prune(olderThan: number, limit: number): Promise<number>;
  /**
   * The same for one kind alone, which leaves a gap among the ids: only for a kind whose readers
   * want what is recent and can do without the rest.
   */
  pruneKind(kind: PrunableKind, olderThan: number, limit: number): Promise<number>;
}

export type PrunableKind = Extract<EventKind, 'metrics.sampled'>;
