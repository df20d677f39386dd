/** What the parts of the pool share. */
import type { DroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { Egress, MemberLauncher } from '#workers/member.ts';
import type { Isolation } from '#workers/worker-app.ts';
import type { Capacity } from './capacity.ts';
import type { Chain } from './chain.ts';
import type { PoolWorker, WorkerParts } from './pool-worker.ts';

export interface PoolParts extends WorkerParts {
  readonly log: Log;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly launchers: Readonly<Record<Isolation, MemberLauncher>>;
  readonly egress: Egress;
  readonly capacity: Capacity;
  /** Workers of apps without work, the least recently used first. */
  readonly idle: Chain<PoolWorker>;
  /**
   * Ends the member of a terminated worker, with its hook if it `isFriendly`. Resolves, and never
   * rejects, when nothing of it is left, with a sentence about how it ended.
   */
  readonly dismiss: (
    worker: PoolWorker,
    how: { readonly isFriendly: boolean; readonly error: DroverError },
  ) => Promise<string>;
}
