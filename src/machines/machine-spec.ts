/**
 * What a machine is made of, after parsing: every default filled in, every path resolved inside
 * an image directory, every MAC decided. Nothing past the edge checks these again.
 */

export const CPU_TEMPLATES = ['T2', 'T2S', 'T2CL', 'T2A', 'V1N1'] as const;
export type CpuTemplate = (typeof CPU_TEMPLATES)[number];

export interface CpuTopology {
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
}

export interface CpuSpec {
  readonly vcpus: number;
  /** Never below `vcpus`. */
  readonly maxVcpus: number;
  readonly topology: CpuTopology | undefined;
  readonly template: CpuTemplate | undefined;
  readonly features: Readonly<Record<string, string>>;
}

export type MachineType = 'microvm' | 'q35';

export type BootSpec =
  | {
      readonly kind: 'kernel';
      readonly machineType: MachineType;
      /** Real paths on the host. */
      readonly kernelPath: string;
      readonly initrdPath: string | undefined;
      readonly kernelArgs: string;
    }
  | { readonly kind: 'firmware'; readonly machineType: 'q35'; readonly firmware: 'bios' | 'uefi' };

export const DISK_BUSES = ['virtio', 'sata', 'nvme'] as const;
export type DiskBus = (typeof DISK_BUSES)[number];

export const NIC_MODELS = ['virtio', 'e1000e', 'e1000'] as const;
export type NicModel = (typeof NIC_MODELS)[number];

export interface DiskSpec {
  readonly id: string;
  /** Real path on the host. */
  readonly path: string;
  /** As the caller wrote it; what answers show. */
  readonly givenPath: string;
  readonly format: 'raw' | 'qcow2';
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly isRoot: boolean;
  /** `overlay`: writes go to a copy-on-write file of this machine. `direct`: to the disk itself. */
  readonly writeMode: 'overlay' | 'direct';
  /** For guests of `q35` that have no drivers for virtio; absent: `virtio`. */
  readonly bus?: DiskBus;
}

export interface RateLimit {
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
  readonly refillMs: number;
}

/** What a caller asks for; what is left open is decided by the host's network. */
export interface NicAddressRequest {
  readonly address: string | undefined;
  readonly prefixLength: number | undefined;
  readonly gateway: string | undefined;
  /** How the caller named each of them, for refusals. */
  readonly fields?: {
    readonly address: string;
    readonly prefixLength: string;
    readonly gateway: string;
  };
}

export interface NicSpec {
  readonly id: string;
  /** Lower case, decided: `auto` has become an address by now. */
  readonly mac: string;
  readonly isMacAuto: boolean;
  readonly mode: 'dual-stack' | 'ipv4-only' | 'ipv6-only';
  /** Addresses asked for; an absent one is allocated. */
  readonly ipv4: NicAddressRequest | undefined;
  readonly ipv6: NicAddressRequest | undefined;
  readonly dnsServers: readonly string[];
  /** Towards the guest, and from it. */
  readonly rxLimit: RateLimit | undefined;
  readonly txLimit: RateLimit | undefined;
  /** For guests of `q35` that have no drivers for virtio; absent: `virtio`. */
  readonly model?: NicModel;
}

export interface ConsoleSpec {
  readonly isEnabled: boolean;
  readonly type: string;
  /** Relative to the machine's own directory; undefined: the default log alone. */
  readonly outputFile: string | undefined;
}

export interface MachineSpec {
  readonly cpu: CpuSpec;
  readonly memoryMib: number;
  readonly boot: BootSpec;
  readonly disks: readonly DiskSpec[];
  readonly nics: readonly NicSpec[];
  readonly console: ConsoleSpec;
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The configuration as the caller gave it, kept by the surface that parsed it so that it can be
   * answered unchanged. The core never looks inside.
   */
  readonly given: unknown;
}
