/** What the pool must know to run something in workers of its own: an app, or platform tasks. */
import { MIB } from '#kernel/units.ts';

/** `process` for all that users bring; `thread` for trusted work of the platform alone. */
export const ISOLATIONS = ['process', 'thread'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** Doors of Node's permission model that stay closed unless manifest and operator open them. */
export const GRANTS = ['addons', 'child-process', 'wasi', 'worker'] as const;
export type Grant = (typeof GRANTS)[number];

/** `name@version`, or in parentheses what is no app: `(tasks)`, `(transfers)`, `(warm)`. */
export type AppKey = string;

/** Of the threads that do short tasks of the platform. */
export const TASKS_KEY: AppKey = '(tasks)';
/** Of the threads that copy disks: for hours if need be. */
export const TRANSFERS_KEY: AppKey = '(transfers)';
/** Of generic workers that no app has taken over yet. */
export const WARM_KEY: AppKey = '(warm)';

/** What the heap of a generic process may have; an app that wants more is started for itself. */
export const GENERIC_MEMORY_BYTES = 512 * MIB;

export interface WorkerLimits {
  /** Requests or tasks that one worker works on at the same time. */
  readonly concurrency: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** A worker without work for so long is ended, down to `minWorkers`. */
  readonly idleTimeoutMs: number;
  /** From the hand-over to a worker to the end of the answer; waiting for one is apart. */
  readonly requestTimeoutMs: number;
  /** How much may wait for a worker, and for how long. */
  readonly queueLimit: number;
  readonly queueTimeoutMs: number;
  /** From the start of a worker to the app being loaded. */
  readonly startTimeoutMs: number;
  /** A worker is replaced after so many. */
  readonly maxRequests: number;
  readonly maxMemoryBytes: number;
}

/** What a member loads to become a worker of this app. Plain data: it crosses to the member. */
export interface AppBinding {
  readonly name: string;
  readonly version: string;
  /** Absolute; what the app sees of the host. */
  readonly directory: string;
  /** Relative to the directory. */
  readonly entrypoint: string;
  /** The whole environment of the app. */
  readonly env: Readonly<Record<string, string>>;
  /** `host`, `host:port` or `*.host`: what the app may fetch. `*` is any public host. */
  readonly allowedHosts: readonly string[];
  readonly grants: readonly Grant[];
  /** Further folders of the host, absolute. */
  readonly readableDirectories: readonly string[];
  readonly writableDirectories: readonly string[];
}

export interface WorkerApp {
  readonly key: AppKey;
  readonly isolation: Isolation;
  readonly limits: WorkerLimits;
  /** Undefined for the workers of platform tasks, which load no app. */
  readonly binding: AppBinding | undefined;
}
