/**
 * The tables as queries see them. Both databases answer the same JavaScript values: instants and
 * flags are numbers, JSON is text until a row is mapped, so no mapping depends on the database.
 */
import type { Generated } from 'kysely';

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

export interface SettingTable {
  name: string;
  value: string;
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
  settings: SettingTable;
  schema_migrations: SchemaMigrationTable;
}
