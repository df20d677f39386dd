/** What operators allow manifests to ask for. */
import type { Grant } from '#workers/worker-app.ts';

export interface AppPolicy {
  /** The setting `apps.allow`. */
  readonly grants: readonly Grant[];
  /** The setting `apps.directories`: these folders and all in them. Absolute. */
  readonly directories: readonly string[];
  /** The setting `apps.maxMemory`, for one worker. */
  readonly maxMemoryBytes: number;
  /** The setting `workers.size`. */
  readonly maxWorkers: number;
}
