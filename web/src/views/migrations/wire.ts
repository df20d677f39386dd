/** What the API of migrations answers, as far as it is shown. */

export type JobState = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

export interface Place {
  readonly type?: string;
  readonly connection?: string;
  readonly vcenter_url?: string;
  readonly path?: string | null;
  readonly libvirt_uri?: string;
  readonly pool?: string | null;
  readonly directory?: string | null;
  readonly customer_id?: string;
  readonly url?: string;
}

interface Definition {
  readonly id: string;
  readonly name: string | null;
  readonly vm_path: string;
  readonly source?: Place;
  readonly destination?: Place;
  readonly batch_id: string | null;
  readonly schedule_id: string | null;
  readonly created_at: string;
}

export interface DiskState {
  readonly name: string;
  readonly current_bytes: number;
  readonly total_bytes: number | null;
}

interface Progress {
  readonly stage: string;
  readonly percent_complete: number;
  readonly current_bytes: number;
  readonly total_bytes: number | null;
  readonly bytes_per_second: number | null;
  /** Seconds. */
  readonly estimated_remaining: number | null;
  readonly current_step: string | null;
  readonly disks: readonly DiskState[];
}

export interface Job {
  readonly definition: Definition;
  readonly status: JobState;
  readonly progress: Progress;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly updated_at: string;
  readonly error: string | null;
  readonly last_error: { readonly message: string } | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly next_attempt_at: string | null;
  readonly cancel_requested: boolean;
  readonly controls: { readonly bandwidth_limit?: number | null };
  /** What may be asked of it now. */
  readonly commands: readonly string[];
  readonly worker: string | null;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  readonly total: number;
  readonly next_cursor: string | null;
}

export interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly subject: string | null;
  readonly message: string;
  readonly remedy: string | null;
}

export interface Connection {
  readonly name: string;
  readonly vcenter_url: string;
  readonly username: string;
  readonly datacenter: string | null;
  readonly insecure: boolean;
  readonly thumbprint: string | null;
  readonly ca: string | null;
  readonly created_at: string;
}

export interface SourceVm {
  readonly name: string;
  readonly path: string;
  readonly ref: string;
  readonly power_state: string;
  readonly num_cpu: number | null;
  readonly memory_mb: number | null;
  readonly storage: number | null;
  readonly guest_os: string | null;
  readonly template: boolean;
}

export interface Upload {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly uploaded_at: string;
}
