/**
 * The tables as queries see them. Both databases answer the same JavaScript values: instants and
 * flags are numbers, JSON is text until a row is mapped, so no mapping depends on the database.
 */
import type { Generated } from 'kysely';
import type {
  JobTable,
  JobCountTable,
  JobCheckpointTable,
  JobLaneTable,
  JobHistoryTable,
  JobLogTable,
} from './job-schema.ts';

export interface MachineTable {
  id: string;
  customer_id: string;
  host_id: string;
  spec: string;
  state: string;
  state_reason: string;
  state_message: string;
  state_changed_at: number;
  is_deleting: number;
  process: string | null;
  booted_at: number | null;
  /** Fixed when the machine is made, and kept here too so that one row is the whole machine. */
  leases: string;
  created_at: number;
  updated_at: number;
}

/** Sums over machines, one row a customer and state; under the customer '' those of everybody. */
export interface MachineCountTable {
  customer_id: string;
  state: string;
  machines: number;
  vcpus: number;
  memory_mib: number;
}

/** One row for each customer that ever had a machine or a quota. Creates lock it. */
export interface CustomerTable {
  id: string;
  /** All three are null for a customer without limits of its own. */
  max_machines: number | null;
  max_vcpus: number | null;
  max_memory_mib: number | null;
}

export interface AddressLeaseTable {
  network: string;
  /** Sorts as the addresses do. */
  address_key: string;
  address: string;
  machine_id: string;
  nic_id: string;
}

/** The address that was handed out last: the next search begins after it. */
export interface AddressCursorTable {
  network: string;
  family: number;
  last_address: string | null;
}

export interface MachineIntentTable {
  /** Grows in the order in which one machine's intents were accepted. */
  sequence: Generated<number>;
  id: string;
  machine_id: string;
  host_id: string;
  command: string;
  status: string;
  requested_at: number;
  started_at: number | null;
  /** Null while it is queued or running. */
  ended_at: number | null;
  is_cancel_requested: number;
  outcome: string | null;
}

export interface EventTable {
  id: Generated<number>;
  at: number;
  kind: string;
  customer_id: string;
  machine_id: string;
  body: string;
}

export interface TokenTable {
  id: string;
  name: string;
  hash: string;
  customer_id: string | null;
  scope: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
}

export interface ThresholdRuleTable {
  id: string;
  /** '' of those that are the operator's. */
  customer_id: string;
  name: string;
  definition: string;
  created_at: number;
  updated_at: number;
  version: number;
}

/** What is pending, fires, or did so lately. */
export interface ThresholdStateTable {
  /** Who measures it: several processes can share a database. */
  instance_id: string;
  rule_id: string;
  series_hash: string;
  labels: string;
  kind: string;
  subject: string;
  since_at: number;
  held_ms: number;
  noticed_at: number | null;
  saved_at: number;
  /** Of the last transition: it is not written twice. */
  transition_id: string;
  violated: string | null;
  failing_collectors: string;
}

export interface SettingTable {
  name: string;
  value: string;
}

/** How far the history of a host's metrics has come. */
export interface MetricHostTable {
  host_id: string;
  epoch: string;
  sealed_through: number;
  rolled_through: number;
}

export interface MetricFamilyTable {
  host_id: string;
  name: string;
  kind: string;
  help: string;
}

export interface MetricSeriesTable {
  host_id: string;
  id: number;
  name: string;
  labels: string;
  created_at: number;
  /** Null while samples come. */
  ended_at: number | null;
}

/** The compressed samples of some series over some time. */
export interface MetricPackTable {
  host_id: string;
  resolution_ms: number;
  cut: number;
  part: number;
  first_ms: number;
  last_ms: number;
  first_series: number;
  last_series: number;
  samples: number;
  size_bytes: number;
  bytes: Uint8Array;
}

/** Who is told of events, and how far that has come. */
export interface WebhookTable {
  id: string;
  format: string;
  /** Null is an operator's. */
  customer_id: string | null;
  url: string;
  event_types: string;
  filter: string;
  timeout_ms: number;
  max_attempts: number | null;
  is_enabled: number;
  disabled_reason: string | null;
  sealed_secret: string | null;
  sealed_headers: string | null;
  header_names: string;
  registered_at: number;
  updated_at: number;
  resumed_at: number;
  position: number;
  failures: number;
  failing_since: number | null;
  next_attempt_at: number | null;
  last_error: string | null;
  delivered_at: number | null;
  /** The process that delivers it, and until when nobody else does. */
  leased_by: string | null;
  leased_until: number;
}

/** What became of one event at one webhook. */
export interface WebhookDeliveryTable {
  webhook_id: string;
  event_id: number;
  event_type: string;
  event_at: number;
  state: string;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  last_latency_ms: number | null;
  answer_start: string | null;
  body_sha256: string;
  body_bytes: number;
  first_attempt_at: number;
  last_attempt_at: number;
  next_attempt_at: number | null;
}

export interface ScheduleTable {
  id: string;
  name: string;
  description: string;
  schedule: string;
  timezone: string;
  is_enabled: number;
  template: string;
  missed: string;
  overlap: string;
  jitter_ms: number;
  tags: string;
  created_at: number;
  updated_at: number;
  /** Both are null while it is disabled. */
  next_due_at: number | null;
  next_run_at: number | null;
  /** The newest due time that was claimed. */
  last_due_at: number | null;
  last_run_at: number | null;
  run_count: number;
  successful_runs: number;
  failed_runs: number;
}

/** What was decided about a due time, or about a run out of turn. */
export interface ScheduleRunTable {
  sequence: Generated<number>;
  schedule_id: string;
  /** Fixed before there is a job, and also where there will be none. */
  job_id: string;
  due_at: number;
  is_manual: number;
  state: string;
  /** 1 until it has ended. */
  is_open: number;
  claimed_at: number | null;
  started_at: number | null;
  /** When its job was known to be stored. */
  submitted_at: number | null;
  ended_at: number | null;
  message: string | null;
}

/** Named ways to sources. */
export interface ConnectionTable {
  name: string;
  kind: string;
  url: string;
  username: string;
  datacenter: string | null;
  ca: string | null;
  thumbprint: string | null;
  is_insecure: number;
  sealed_password: string;
  created_at: number;
  updated_at: number;
}

/** Servers that are watched, of those that were added while running. */
export interface ServerTable {
  id: string;
  name: string;
  /** JSON, as that of the sources, whose secrets are sealed. */
  roles: string;
  sources: string;
  created_at: number;
  updated_at: number;
}

/** Times in which certain alerts are told to nobody. */
export interface SilenceTable {
  id: string;
  /** JSON. */
  matchers: string;
  comment: string;
  created_by: string;
  created_at: number;
  until: number;
}

/** Which process tells of the alerts of a watched server. */
export interface AlertTellerTable {
  server_id: string;
  holder: string;
  turn: string;
  rules: string;
}

/** Counted up by each process that tells of alerts, to show that it is there. */
export interface AlertBeatTable {
  holder: string;
  beat: number;
}

export interface SchemaMigrationTable {
  version: number;
  name: string;
  applied_at: number;
}

export interface Schema {
  machines: MachineTable;
  machine_counts: MachineCountTable;
  customers: CustomerTable;
  address_leases: AddressLeaseTable;
  address_cursors: AddressCursorTable;
  machine_intents: MachineIntentTable;
  events: EventTable;
  tokens: TokenTable;
  threshold_rules: ThresholdRuleTable;
  threshold_states: ThresholdStateTable;
  settings: SettingTable;
  metric_hosts: MetricHostTable;
  metric_families: MetricFamilyTable;
  metric_series: MetricSeriesTable;
  metric_packs: MetricPackTable;
  webhooks: WebhookTable;
  webhook_deliveries: WebhookDeliveryTable;
  jobs: JobTable;
  job_counts: JobCountTable;
  job_checkpoints: JobCheckpointTable;
  job_lanes: JobLaneTable;
  job_history: JobHistoryTable;
  job_logs: JobLogTable;
  schedules: ScheduleTable;
  schedule_runs: ScheduleRunTable;
  connections: ConnectionTable;
  servers: ServerTable;
  silences: SilenceTable;
  alert_tellers: AlertTellerTable;
  alert_beats: AlertBeatTable;
  schema_migrations: SchemaMigrationTable;
}
