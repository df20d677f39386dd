/** What the API fleet answers. What nobody tells is null; GB are 1024³ bytes, MB are 1024². */

type Known<T> = T | null;

export type ServerState = 'online' | 'warning' | 'error' | 'offline';
export type ServerRole = 'ai' | 'app' | 'storage' | 'any';

export interface ServerStatus {
  status: ServerState;
  /** ISO 8601; null for one that never answered. */
  last_updated: Known<string>;
  uptime_seconds: Known<number>;
  response_time_ms: Known<number>;
  /** Why it is not online, the gravest first. */
  reasons: string[];
}

export interface CpuMetrics {
  usage_percent: Known<number>;
  cores: Known<number>;
  temperature: Known<number>;
  load_average: Known<number[]>;
  mode_percents: Known<Record<string, number>>;
}

export interface MemoryMetrics {
  used_gb: Known<number>;
  total_gb: Known<number>;
  usage_percent: Known<number>;
  available_gb: Known<number>;
  cached_gb: Known<number>;
  swap_used_gb: Known<number>;
  swap_total_gb: Known<number>;
}

export interface GpuMetrics {
  name: string;
  usage_percent: Known<number>;
  memory_used_mb: Known<number>;
  memory_total_mb: Known<number>;
  memory_usage_percent: Known<number>;
  temperature: Known<number>;
  power_draw_w: Known<number>;
  fan_speed_percent: Known<number>;
}

export interface DiskMetrics {
  mount_point: string;
  used_gb: Known<number>;
  total_gb: Known<number>;
  usage_percent: Known<number>;
  available_gb: Known<number>;
  /** Such as `ext4`. */
  filesystem: Known<string>;
}

/** All per second. */
export interface LinkMetrics {
  interface: string;
  bytes_sent: Known<number>;
  bytes_recv: Known<number>;
  packets_sent: Known<number>;
  packets_recv: Known<number>;
  errors_in: Known<number>;
  errors_out: Known<number>;
  speed_bits_per_second: Known<number>;
}

export interface HypervisorMetrics {
  cpu_usage: Known<number>;
  memory_usage: Known<number>;
  storage_usage: Known<number>;
  uptime_hours: Known<number>;
  vm_count: Known<number>;
  /** Such as `Proxmox VE 8.2.4`. */
  product: Known<string>;
}

export interface GuestMetrics {
  /** A number at Proxmox. */
  vmid: number | string;
  name: string;
  status: string;
  cpu_usage: Known<number>;
  memory_used_gb: Known<number>;
  memory_total_gb: Known<number>;
  memory_usage_percent: Known<number>;
  disk_usage_gb: Known<number>;
  disk_total_gb: Known<number>;
  uptime_seconds: Known<number>;
}

export interface FileSystemMetrics {
  mount_point: string;
  used_gb: Known<number>;
  total_gb: Known<number>;
  usage_percent: Known<number>;
  file_count: Known<number>;
  avg_file_size_mb: Known<number>;
  largest_file_mb: Known<number>;
}

export interface QdrantMetrics {
  status: 'running' | 'error';
  collections: Known<number>;
  total_points: Known<number>;
  disk_usage_gb: Known<number>;
  disk_usage_from: Known<'telemetry' | 'filesystem'>;
  memory_usage_mb: Known<number>;
  version: Known<string>;
}

export interface SourceStatus {
  kind: 'local' | 'exporter' | 'prometheus' | 'proxmox' | 'qdrant';
  label: string;
  last_answer: Known<string>;
  response_time_ms: Known<number>;
  error: Known<string>;
  failures: number;
}

interface AnyMetrics {
  server_status: ServerStatus;
  cpu: CpuMetrics;
  memory: MemoryMetrics;
  disks: DiskMetrics[];
  network: LinkMetrics[];
}

export interface AiServer extends AnyMetrics {
  gpu: Known<GpuMetrics>;
}

export interface AppServer extends AnyMetrics {
  proxmox_host: HypervisorMetrics;
  vms: GuestMetrics[];
}

export interface StorageServer extends AnyMetrics {
  filesystems: FileSystemMetrics[];
  qdrant: Known<QdrantMetrics>;
}

interface Identity {
  id: string;
  name: string;
  roles: ServerRole[];
  /** Only those of `api` can be changed over the API. */
  origin: 'builtin' | 'config' | 'api';
}

/** Any server, with all that is known of it. */
export interface FleetServer extends Identity, AiServer, AppServer, StorageServer {
  gpus: GpuMetrics[];
  sensors: { name: string; celsius: number }[];
  pressure: Known<Record<string, Known<number>>>;
  disk_io: Record<string, Known<number | string>>[];
  sources: SourceStatus[];
  alerts: number;
}

export interface ListedServer extends Identity, ServerStatus {
  cpu_usage: Known<number>;
  memory_usage: Known<number>;
  gpu_usage: Known<number>;
  vm_count: Known<number>;
  running_vms: Known<number>;
  filesystem_count: Known<number>;
  qdrant_status: 'running' | 'error' | 'unknown';
  sources: SourceStatus[];
  alerts: number;
}

export interface FleetOverview {
  /** The first server with the role, if there is one. */
  ai_server: Known<AiServer>;
  app_server: Known<AppServer>;
  storage_server: Known<StorageServer>;
  last_updated: Known<string>;
  total_servers: number;
  online_servers: number;
  /** Rules that fire, and servers that are offline. */
  alerts_count: number;
  servers: ListedServer[];
}

export interface FleetHealth {
  status: string;
  services: { api: string; prometheus: string; websocket: string };
  version: string;
}
