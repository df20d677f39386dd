/** What happens to machines, told as it happens. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Machines, type WatchResponse } from '#gen/drover/v1/machines_pb.js';
import { ApiError } from '#web/api/api-error.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { streamRpc } from '#web/api/rpc.ts';
import { useLiveStream } from '#web/api/use-live-stream.ts';
import type { StreamState } from '#web/api/follow-stream.ts';

const MOST_EVENTS = 1000;
/** Many machines change together; the list is read once for all of them. */
const LIST_CALM_MS = 1000;
/** Of each machine in it: the longer a list is, the more seldom it is read again. */
const CALM_EACH_MS = 1;
const ONE_CALM_MS = 100;

/** Reads the list again when something happened to any machine. */
export function useMachineWatch(listed: number): StreamState {
  const reload = useSoon(queryKeys.machineList, Math.max(LIST_CALM_MS, listed * CALM_EACH_MS));
  return useLiveStream<WatchResponse>({
    name: 'machines',
    open: (signal) => streamRpc(Machines.method.watch, {}, signal),
    // What happened while nobody followed is in the list.
    onStart: reload,
    onMessage: reload,
  });
}

export interface MachineEvents {
  /** Newest first. */
  readonly events: readonly WatchResponse[];
  readonly state: StreamState;
}

/** Of one machine: all that is kept, and what comes. Use a key, so that no two share a state. */
export function useMachineEvents(id: string): MachineEvents {
  const [events, setEvents] = useState<readonly WatchResponse[]>([]);
  const last = useRef(0n);
  const reload = useSoon(queryKeys.machine(id), ONE_CALM_MS);
  const state = useLiveStream<WatchResponse>({
    name: id,
    open: (signal) => watchFrom(id, last.current, signal),
    onMessage: (event) => {
      last.current = event.eventId;
      setEvents((old) => [event, ...old].slice(0, MOST_EVENTS));
      reload();
    },
  });
  return { events, state };
}

/** From an event on, or from the oldest that is kept. */
async function* watchFrom(
  id: string,
  after: bigint,
  signal: AbortSignal,
): AsyncGenerator<WatchResponse> {
  const { watch } = Machines.method;
  try {
    yield* streamRpc(watch, { vmIds: [id], afterEventId: after }, signal);
  } catch (thrown) {
    const oldest = prunedThrough(thrown);
    if (oldest === undefined) throw thrown;
    yield* streamRpc(watch, { vmIds: [id], afterEventId: oldest }, signal);
  }
}

function prunedThrough(thrown: unknown): bigint | undefined {
  if (!(thrown instanceof ApiError) || thrown.facts.reason !== 'EVENTS_PRUNED') return undefined;
  const text = thrown.facts.metadata?.['pruned_through'];
  return typeof text === 'string' && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

/** Once for all calls within a while. */
function useSoon(queryKey: readonly string[], afterMs: number): () => void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey });
    }, afterMs);
  };
}
