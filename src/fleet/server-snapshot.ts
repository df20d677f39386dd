/** A server as it was last seen: what every answer, message and series about it is made of. */
import type { ServerReading } from './server-reading.ts';
import type { SourceKind, WatchedServer } from './server.ts';

export const SERVER_STATUSES = ['online', 'warning', 'error', 'offline'] as const;
export type ServerStatus = (typeof SERVER_STATUSES)[number];

export interface SourceState {
  readonly kind: SourceKind;
  readonly label: string;
  /** Undefined: it never answered. Wall clock, milliseconds since 1970. */
  readonly answeredAt: number | undefined;
  /** How old what is shown of it is, by a clock that never jumps. */
  readonly ageMs: number | undefined;
  /** Of its last answer. */
  readonly responseMs: number | undefined;
  /** What went wrong when it was last asked, or is wrong with its answer; undefined: nothing. */
  readonly error: string | undefined;
  readonly failures: number;
}

export interface ServerSnapshot {
  readonly server: WatchedServer;
  readonly status: ServerStatus;
  /** Why the status is not `online`, for people; empty when it is. */
  readonly reasons: readonly string[];
  /** When the newest of what is shown was measured; undefined: nothing ever was. */
  readonly updatedAt: number | undefined;
  /** Of its slowest source. */
  readonly responseMs: number | undefined;
  /** Of all sources, each part by the first of them that has it; older than the limit: gone. */
  readonly reading: ServerReading;
  readonly sources: readonly SourceState[];
  /** How many threshold rules fire for it. */
  readonly alerts: number;
  /** Grows with each change of anything above, over all servers: a cursor to go on from. */
  readonly revision: number;
}
