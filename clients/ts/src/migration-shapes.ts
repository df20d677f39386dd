/** What the API migration sends and takes. Times are ISO 8601, sizes bytes. */

export type JobStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

/** Where a VM is: the name of a connection, or an address with a login. */
export interface VmSource {
  connection?: string;
  vcenter_url?: string;
  username?: string;
  password?: string;
  datacenter?: string;
  insecure?: boolean;
  thumbprint?: string;
}

/** The fields that most jobs need; the API takes more, and so does this type. */
export interface JobRequest {
  id?: string;
  name?: string;
  vm_path: string;
  source?: VmSource & { type?: 'vsphere' | 'file'; path?: string };
  destination:
    | { type: 'kvm' | 'file'; libvirt_uri?: string; pool?: string; directory?: string }
    | { type: 'drover'; customer_id: string };
  options?: Record<string, unknown>;
  priority?: number;
  [more: string]: unknown;
}

export interface JobProgress {
  stage: string;
  /** 0 to 100. */
  percent_complete: number;
  current_bytes: number;
  total_bytes: number | null;
  bytes_per_second: number | null;
  /** Seconds. */
  estimated_remaining: number | null;
  current_step: string | null;
  disks: {
    name: string;
    current_bytes: number;
    total_bytes: number | null;
    percent_complete: number | null;
  }[];
}

export interface Job {
  definition: {
    id: string;
    name: string | null;
    vm_path: string;
    created_at: string;
    [more: string]: unknown;
  };
  status: JobStatus;
  progress: JobProgress;
  started_at: string | null;
  completed_at: string | null;
  updated_at: string;
  /** Why it failed. */
  error: string | null;
  /** Why its last attempt did, also when there will be another. */
  last_error: { kind: string; reason: string; message: string } | null;
  result: Record<string, unknown> | null;
  attempts: number;
  cancel_requested: boolean;
}

export interface SubmitAnswer {
  job_id: string;
  job_ids: string[];
  accepted: number;
  rejected: number;
  /** Of each that was rejected. */
  errors?: string[];
  /** Of fields that look mistyped. */
  warnings?: string[];
}

export interface JobFilters {
  job_ids?: readonly string[];
  status?: JobStatus | readonly JobStatus[];
  vm_path?: string;
  batch_id?: string;
  schedule_id?: string;
  sort?: 'created_at' | 'updated_at' | 'priority';
  order?: 'asc' | 'desc';
  limit?: number;
  /** `next_cursor` of the page before. */
  cursor?: string;
}

export interface JobPage {
  jobs: Job[];
  /** All that fit, on whatever page; at most 10,000 are counted by filters beside the status. */
  total: number;
  next_cursor: string | null;
}

export interface Finding {
  code: string;
  severity: 'error' | 'warning' | 'info';
  subject: string | null;
  message: string;
  remedy: string | null;
}

export interface Schedule {
  id: string;
  name: string;
  description: string;
  schedule: string;
  timezone: string;
  enabled: boolean;
  job_template: Record<string, unknown>;
  last_run: string | null;
  next_run: string | null;
  run_count: number;
  successful_runs: number;
  failed_runs: number;
}

export interface ScheduleRun {
  sequence: number;
  due_at: string;
  manual: boolean;
  status: string;
  job_id: string | null;
  message: string | null;
}

export interface Webhook {
  id: string;
  index: number;
  url: string;
  events: string[];
  enabled: boolean;
  /** Seconds. */
  timeout: number;
  retry_count: number | null;
}

export interface WebhookTest {
  success: boolean;
  /** Of the receiver's answer; null when there was none. */
  status: number | null;
  error: string | null;
  latency_ms: number;
}

export interface VmSummary {
  name: string;
  path: string;
  power_state: 'poweredOn' | 'poweredOff' | 'suspended';
  num_cpu: number | null;
  memory_mb: number | null;
  storage: number | null;
  guest_os: string | null;
  ip_address: string | null;
}

export interface SourceVm extends VmSummary {
  uuid: string | null;
  hardware: {
    num_cpu: number | null;
    memory_mb: number | null;
    num_virtual_disks: number;
    firmware: 'bios' | 'efi';
    [more: string]: unknown;
  };
  disks: { label: string; capacity_kb: number; file_path: string; [more: string]: unknown }[];
  networks: { label: string; mac_address: string; network: string; model: string }[];
  cdroms: string[];
  snapshots: number;
}

export interface Connection {
  name: string;
  vcenter_url: string;
  username: string;
  datacenter: string | null;
  insecure: boolean;
  thumbprint: string | null;
}
