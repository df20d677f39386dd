/**
 * A stream of what happens to machines, from any event id on. The reader pulls: it is never sent
 * more than it takes, and one that is slow simply reads the log later.
 */
import type { EventLog } from '#events/event-log.ts';
import type { EventSignal } from '#events/event-signal.ts';
import { isMachineEvent, type MachineEvent, type RecordedEvent } from '#events/event.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

const BATCH = 200;
/** Another process may write events that this process's signal does not tell of. */
const POLL_MS = SECOND_MS;
/** A reader away for longer may have lost its place to pruning; it is told, not given a gap. */
const STALLED_MS = MINUTE_MS;

export interface WatchParts {
  readonly events: EventLog;
  readonly eventSignal: EventSignal;
  readonly clock: Clock;
}

export interface WatchQuery {
  /** Absent: every customer's, which only an operator may ask for. */
  readonly customerId: CustomerId | undefined;
  /** Empty: all machines. */
  readonly machineIds: ReadonlySet<MachineId>;
  /** Undefined: from now on. */
  readonly afterId: number | undefined;
}

export async function* watchMachines(
  { events, eventSignal, clock }: WatchParts,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<RecordedEvent<MachineEvent>> {
  const { customerId, machineIds } = query;
  const machineId = machineIds.size === 1 ? [...machineIds][0] : undefined;
  let afterId = await firstPosition(events, query.afterId);
  let readAt = clock.monotonicMs();
  while (!signal.aborted) {
    if (clock.monotonicMs() - readAt > STALLED_MS) await assertStillKept(events, afterId);
    readAt = clock.monotonicMs();
    const next = eventSignal.next();
    const batch = await events.read({ afterId, customerId, machineId, limit: BATCH });
    for (const recorded of batch) {
      if (signal.aborted) return;
      afterId = recorded.id;
      if (!isMachineEvent(recorded)) continue;
      if (machineIds.size > 1 && !machineIds.has(recorded.event.machineId)) continue;
      yield recorded;
    }
    if (batch.length === BATCH) continue;
    const polling = new AbortController();
    const stop = AbortSignal.any([signal, polling.signal]);
    // The sleep loses the race by being aborted; that rejection says nothing.
    await Promise.race([next, clock.sleep(POLL_MS, stop).catch(() => undefined)]);
    polling.abort();
  }
}

async function firstPosition(events: EventLog, afterId: number | undefined): Promise<number> {
  if (afterId === undefined) return await events.lastId();
  await assertStillKept(events, afterId);
  return afterId;
}

async function assertStillKept(events: EventLog, afterId: number): Promise<void> {
  const pruned = await events.prunedThroughId();
  if (afterId >= pruned) return;
  throw new DroverError(
    'failed_precondition',
    `after_event_id: events up to ${pruned} are no longer kept; ` +
      `list the machines, then watch from ${pruned}`,
    { reason: 'EVENTS_PRUNED', metadata: { pruned_through: String(pruned) } },
  );
}
