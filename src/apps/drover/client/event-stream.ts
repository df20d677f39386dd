/** Follows what happens to machines, across lost connections. */
import type { Invocation } from '#apps/drover/command.ts';
import type { WatchResponse } from '#gen/drover/v1/machines_pb.js';
import type { ApiClient } from './api-client.ts';
import { resumeStream } from './resumed-stream.ts';

export interface EventRequest {
  readonly vmIds: readonly string[];
  /** Undefined: what happens from now on. */
  readonly afterEventId: bigint | undefined;
  readonly allCustomers: boolean;
}

export function watchEvents(
  api: ApiClient,
  { vmIds, afterEventId, allCustomers }: EventRequest,
  { clock, signal, terminal }: Pick<Invocation, 'clock' | 'signal' | 'terminal'>,
): AsyncGenerator<WatchResponse, unknown> {
  let lastId = afterEventId;
  return resumeStream<WatchResponse, bigint | undefined>({
    start: afterEventId,
    open: (after, until) =>
      api.machines.watch(
        {
          vmIds: [...vmIds],
          allCustomers,
          ...(after === undefined ? {} : { afterEventId: after }),
        },
        { signal: until },
      ),
    positionAfter: (event) => (lastId = event.eventId),
    // Watching has no end of its own: a server that ends it is going down.
    endsItself: false,
    url: api.url,
    clock,
    signal,
    onTrouble(message) {
      const gap = lastId === undefined ? '; what happens until then is not shown' : '';
      terminal.note(`drover: ${message}${gap}`);
    },
  });
}
