/** A job as the API answers it, as far as it is shown. */
import type { JobState } from '#jobs/job.ts';

export interface WireJob {
  readonly definition: {
    readonly id: string;
    readonly name: string | null;
    readonly vm_path: string;
    readonly source?: Readonly<Record<string, unknown>>;
    readonly destination?: Readonly<Record<string, unknown>>;
    readonly priority: number;
    readonly batch_id: string | null;
    readonly schedule_id: string | null;
    readonly created_at: string;
  };
  readonly status: JobState;
  readonly progress: WireProgress;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly error: string | null;
  readonly last_error: { readonly kind: string; readonly message: string } | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly next_attempt_at: string | null;
  readonly cancel_requested: boolean;
  readonly controls: Readonly<Record<string, unknown>>;
  readonly worker: string | null;
}

export interface WireProgress {
  readonly stage: string;
  readonly percent_complete: number;
  readonly current_bytes: number;
  readonly total_bytes: number | null;
  readonly bytes_per_second: number | null;
  /** In seconds. */
  readonly estimated_remaining: number | null;
  readonly current_step: string | null;
  readonly disks: readonly WireDisk[];
}

export interface WireDisk {
  readonly name: string;
  readonly current_bytes: number;
  readonly total_bytes: number | null;
  readonly percent_complete: number | null;
}

export function jobPath(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}

/** Many answers tell in words what was odd about the request. */
export function warningsOf(answer: unknown): readonly string[] {
  const { warnings = [] } = answer as { readonly warnings?: readonly string[] };
  return warnings;
}
