/** An app that was deployed: its manifest, its versions, and which of them is current. */
import type { EventKind } from '#events/event.ts';
import type { AppKey, Grant, Isolation, WorkerApp, WorkerLimits } from '#workers/worker-app.ts';

/** Who may call the app: anybody, whoever has a token, or operators. */
export const APP_ACCESS = ['public', 'token', 'operator'] as const;
export type AppAccess = (typeof APP_ACCESS)[number];

/** What the file `manifest.yaml`, `.yml` or `.json` of an app says, with defaults filled in. */
export interface AppManifest {
  readonly name: string;
  readonly version: string;
  /** Undefined for an app of static files alone. */
  readonly entrypoint: string | undefined;
  readonly isolation: Isolation;
  readonly access: AppAccess;
  readonly limits: WorkerLimits;
  readonly env: Readonly<Record<string, string>>;
  readonly statics: StaticFiles | undefined;
  readonly cron: readonly CronEntry[];
  readonly events: readonly EventEntry[];
  readonly allowedHosts: readonly string[];
  readonly grants: readonly Grant[];
  readonly readableDirectories: readonly string[];
  readonly writableDirectories: readonly string[];
}

export interface StaticFiles {
  /** Relative to the app's folder. */
  readonly directory: string;
  /** Answered for a path that is no file, where an app has no entrypoint or asks for it. */
  readonly fallback: string | undefined;
}

export interface CronEntry {
  readonly schedule: string;
  readonly timezone: string | undefined;
  readonly method: string;
  readonly path: string;
}

export interface EventEntry {
  readonly on: EventKind;
  /** Where the event is posted to. */
  readonly path: string;
}

export interface AppVersion {
  readonly key: AppKey;
  readonly manifest: AppManifest;
  /** Absolute. */
  readonly directory: string;
  readonly deployedAt: number;
  readonly sizeBytes: number;
  readonly fileCount: number;
  /** Undefined for an app of static files alone. */
  readonly workerApp: WorkerApp | undefined;
}

export interface App {
  readonly name: string;
  /** What a request without a version gets. */
  readonly current: AppVersion;
  /** Highest first, the current one among them. */
  readonly versions: readonly AppVersion[];
}
