/**
 * Puts how the host and its machines stand into the event log, once in a while and only for
 * those somebody wants to hear of; from there it goes the way of all events.
 */
import type { SnapshotEvent } from '#events/event.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { hostSnapshot, machineSnapshot, type InstanceIdentity } from './resource-snapshots.ts';
import type { CompletedTick } from './sampler.ts';

/** Whose snapshot it would be; of the host when there is no machine. */
export type SnapshotSubject = Pick<SnapshotEvent, 'instanceId' | 'machineId' | 'customerId'>;

export interface SnapshotPublisherParts {
  readonly identity: InstanceIdentity;
  readonly intervalMs: number;
  readonly log: Log;
  /** Known at once: it is asked for every machine. */
  readonly isWanted: (subject: SnapshotSubject) => boolean;
  readonly record: (atMs: number, events: readonly SnapshotEvent[]) => Promise<void>;
}

export class SnapshotPublisher {
  readonly #parts: SnapshotPublisherParts;
  #nextAtMs = -Infinity;
  #inProgress: Promise<void> | undefined;

  constructor(parts: SnapshotPublisherParts) {
    this.#parts = parts;
  }

  onTick(tick: CompletedTick): void {
    // Half a tick early is in time: ticks come a little late or early themselves.
    if (tick.monotonicMs < this.#nextAtMs - tick.intervalMs / 2) return;
    // A database that takes long must not have snapshots pile up before it.
    if (this.#inProgress !== undefined) return;
    const events = this.#eventsOf(tick);
    // Who begins to subscribe is told at the next tick.
    if (events.length === 0) return;
    this.#nextAtMs = tick.monotonicMs + this.#parts.intervalMs;
    this.#inProgress = this.#record(tick.atMs, events).finally(() => {
      this.#inProgress = undefined;
    });
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#inProgress;
  }

  #eventsOf(tick: CompletedTick): readonly SnapshotEvent[] {
    const { identity, isWanted } = this.#parts;
    const events: SnapshotEvent[] = [];
    const add = (subject: SnapshotSubject, snapshot: SnapshotEvent['snapshot']) => {
      const { accountId } = snapshot;
      events.push({ kind: 'metrics.sampled', ...subject, accountId, snapshot });
    };
    const { instanceId } = identity;
    const host = { instanceId, machineId: undefined, customerId: undefined };
    if (isWanted(host)) add(host, hostSnapshot(tick, identity));
    for (const machine of tick.readings.machines ?? []) {
      const { machineId, customerId } = machine;
      const subject = { instanceId: machineId, machineId, customerId };
      if (isWanted(subject)) add(subject, machineSnapshot(tick, machine));
    }
    return events;
  }

  async #record(atMs: number, events: readonly SnapshotEvent[]): Promise<void> {
    try {
      await this.#parts.record(atMs, events);
    } catch (thrown) {
      const error = toDroverError(thrown);
      this.#parts.log.warn({ error }, 'samples for webhooks could not be written');
    }
  }
}
