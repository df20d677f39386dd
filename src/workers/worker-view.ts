/** What the pool shows of itself. Answers are made from numbers it keeps, never by counting. */
import type { AppKey, Isolation } from './worker-app.ts';
import type { WorkerState } from './worker-state.ts';

export interface PoolCounts {
  /** The most workers there may be. */
  readonly size: number;
  readonly active: number;
  /** `ready` ones among them. */
  readonly idle: number;
  readonly creating: number;
  /** active + idle + creating, always. */
  readonly total: number;
}

/** Why a worker was ended. */
export const END_REASONS = [
  'idle',
  'evicted',
  'max-requests',
  'max-memory',
  'timeout',
  'crashed',
  'failed-start',
  'surplus',
  'removed',
  'shutdown',
] as const;
export type EndReason = (typeof END_REASONS)[number];

export interface WorkerView {
  readonly id: string;
  readonly app: AppKey;
  readonly kind: Isolation;
  readonly state: WorkerState;
  readonly pid: number | undefined;
  /** Requests and tasks it was ever handed. */
  readonly requests: number;
  readonly inFlight: number;
  /** It finishes what it has and gets nothing more. */
  readonly isDraining: boolean;
  readonly uptimeMs: number;
  /** Undefined until it was first read; always for a worker that is being created. */
  readonly memory: WorkerMemory | undefined;
  /** Of its event loop, 0 to 1, as of its last report. */
  readonly utilization: number | undefined;
  readonly endReason: EndReason | undefined;
}

export interface WorkerMemory {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** See MemberMemory: `process` is true, `share` a part of a sum. */
  readonly source: 'process' | 'share';
  readonly ageMs: number;
}

export interface AppView {
  readonly app: AppKey;
  readonly kind: Isolation;
  readonly active: number;
  readonly idle: number;
  readonly creating: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly requests: number;
  /** Set while its workers do not start; the pool tries again by itself. */
  readonly failing: { readonly message: string; readonly attempts: number } | undefined;
}
