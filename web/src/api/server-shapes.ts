/** Servers as `/api/servers` answers them. What nobody tells is null. */

type Known = number | null;

export type ServerState = 'online' | 'warning' | 'error' | 'offline';

export interface ServerSource {
  readonly kind: string;
  readonly label: string;
  readonly last_answer: string | null;
  readonly response_time_ms: Known;
  readonly error: string | null;
  readonly failures: number;
}

interface ServerFacts {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly origin: 'builtin' | 'config' | 'api';
  readonly sources: readonly ServerSource[];
  /** How many rules fire for it. */
  readonly alerts: number;
}

export interface ServerListed extends ServerFacts {
  readonly status: ServerState;
  readonly last_updated: string | null;
  readonly uptime_seconds: Known;
  readonly reasons: readonly string[];
  readonly cpu_usage: Known;
  readonly memory_usage: Known;
  readonly gpu_usage: Known;
  readonly average_usage_percent: Known;
  readonly filesystem_count: number;
  readonly vm_count: Known;
  readonly running_vms: Known;
  readonly response_time_ms: Known;
}

export interface ServerWhole extends ServerFacts {
  readonly server_status: {
    readonly status: ServerState;
    readonly last_updated: string | null;
    readonly uptime_seconds: Known;
    readonly reasons: readonly string[];
  };
  readonly cpu: {
    readonly usage_percent: Known;
    readonly cores: Known;
    readonly temperature: Known;
    readonly load_average: readonly Known[] | null;
  };
  readonly memory: {
    readonly used_gb: Known;
    readonly total_gb: Known;
    readonly usage_percent: Known;
    readonly cached_gb: Known;
    readonly swap_used_gb: Known;
    readonly swap_total_gb: Known;
  };
  readonly disks: readonly {
    readonly mount_point: string;
    readonly used_gb: Known;
    readonly total_gb: Known;
    readonly usage_percent: Known;
    readonly available_gb: Known;
    readonly filesystem: string | null;
  }[];
  readonly filesystems: readonly {
    readonly mount_point: string;
    readonly file_count: Known;
    readonly largest_file_mb: Known;
  }[];
  readonly network: readonly {
    readonly interface: string;
    /** All per second. */
    readonly bytes_sent: Known;
    readonly bytes_recv: Known;
    readonly errors_in: Known;
    readonly errors_out: Known;
    readonly speed_bits_per_second: Known;
  }[];
  readonly disk_io: readonly {
    readonly device: string;
    readonly read_bytes_per_second: Known;
    readonly written_bytes_per_second: Known;
    readonly reads_per_second: Known;
    readonly writes_per_second: Known;
    readonly busy_percent: Known;
  }[];
  readonly gpus: readonly {
    readonly name: string;
    readonly usage_percent: Known;
    readonly memory_used_mb: Known;
    readonly memory_total_mb: Known;
    readonly memory_usage_percent: Known;
    readonly temperature: Known;
    readonly power_draw_w: Known;
    readonly fan_speed_percent: Known;
  }[];
  readonly sensors: readonly { readonly name: string; readonly celsius: number }[];
  readonly pressure: {
    readonly cpu_some_percent: Known;
    readonly memory_some_percent: Known;
    readonly memory_full_percent: Known;
    readonly io_some_percent: Known;
    readonly io_full_percent: Known;
  } | null;
  readonly vms: readonly {
    readonly vmid: number | string;
    readonly name: string;
    readonly status: string;
    readonly cpu_usage: Known;
    readonly memory_used_gb: Known;
    readonly memory_total_gb: Known;
    readonly memory_usage_percent: Known;
    readonly disk_usage_gb: Known;
    readonly disk_total_gb: Known;
    readonly uptime_seconds: Known;
  }[];
  readonly proxmox_host: { readonly product: string | null };
  readonly qdrant: {
    readonly status: string;
    readonly version: string | null;
    readonly collections: Known;
    readonly total_points: Known;
    readonly disk_usage_gb: Known;
    readonly disk_usage_from: string | null;
    readonly memory_usage_mb: Known;
  } | null;
}
