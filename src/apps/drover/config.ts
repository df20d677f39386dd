/**
 * The second of four steps: env → config → context → server. Flags, variables and the config file
 * become one checked Config, or one error that names everything wrong. A flag wins over a
 * variable, a variable over the file, the file over the default. Nothing here does I/O.
 */
import { join } from 'node:path';

import type { QuotaLimits } from '#access/quota.ts';
import { DroverError } from '#kernel/errors.ts';
import type { HostId } from '#kernel/ids.ts';
import type { DiskLimits } from '#machines/disk-service.ts';
import { MIB } from '#kernel/units.ts';
import { resolveAuth } from './config-auth.ts';
import type { AuthConfig } from './config-auth.ts';
import type { ConfigProblem } from './config-document.ts';
import { ConfigReader } from './config-reader.ts';
import type { ConfigInput, SettingInForce } from './config-reader.ts';
import { SETTINGS } from './config-settings.ts';
import type {
  ACCELERATORS,
  ISOLATIONS,
  KERNEL_MACHINES,
  LOG_LEVELS,
  NETWORK_MODES,
  SurfaceName,
} from './config-settings.ts';
import { sqliteAt } from './config-values.ts';
import type { Database, ShareOrSize } from './config-values.ts';
import type { Environment } from './env.ts';
import { readFleet, type FleetConfig } from './config-fleet.ts';
import { readMetrics, type MetricsConfig } from './config-metrics.ts';
import { readMigration, type MigrationConfig } from './config-migration.ts';
import { readWorkers, type WorkersConfig } from './config-workers.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Absolute, as all paths here are. */
  readonly dataDir: string;
  readonly databaseKind: Database['kind'];
  /** Undefined: what the data folder says, or the host's name when it says nothing yet. */
  readonly hostId: HostId | undefined;
  readonly hostname: string;
  readonly listeners: readonly { readonly surface: SurfaceName; readonly port: number }[];
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly drainMs: number;
  readonly insecure: boolean;
  readonly tls: TlsConfig | undefined;
  readonly auth: AuthConfig;
  readonly hypervisor: {
    readonly accelerator: (typeof ACCELERATORS)[number];
    readonly kernelMachine: (typeof KERNEL_MACHINES)[number];
    readonly qemuUser: string | undefined;
  };
  readonly images: { readonly directories: readonly [string, ...string[]] };
  readonly capacity: { readonly vcpusPerCore: number; readonly memory: ShareOrSize };
  readonly quota: QuotaLimits;
  readonly disks: DiskLimits;
  readonly console: { readonly maxBytes: number };
  readonly events: { readonly retentionDays: number };
  readonly network: NetworkConfig;
  readonly metrics: MetricsConfig;
  readonly workers: WorkersConfig;
  readonly migration: MigrationConfig;
  readonly fleet: FleetConfig;
}

export interface TlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string | undefined;
}

export interface NetworkConfig {
  readonly mode: (typeof NETWORK_MODES)[number];
  readonly bridge: string;
  readonly ipv4Subnet: string;
  readonly ipv6Subnet: string | undefined;
  readonly isolation: (typeof ISOLATIONS)[number];
  readonly dns: readonly string[];
  readonly masquerade: boolean;
}

/** Kept apart from Config, so that logging a Config gives nothing away. */
export interface Secrets {
  /** May hold a password. */
  readonly databaseUrl: string;
  /** How other tools of the user log in to vSphere; it may hold a password. */
  readonly govc: Readonly<Record<string, string>>;
  /** Variables that begin with `DROVER_SECRET_`, which settings can refer to. */
  readonly named: Readonly<Record<string, string>>;
}

export interface ParsedConfig {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Every setting with its value and where that came from, for `drover config`. */
  readonly inForce: readonly SettingInForce[];
}

export function parseConfig(input: ConfigInput): ParsedConfig {
  const reader = new ConfigReader(input);
  const { env, folderName = 'drover' } = input;
  const dataDir = reader.read(SETTINGS.data, () => defaultDataDir(env, folderName)) ?? '';
  const sqlite = sqliteAt(join(dataDir, 'drover.db'));
  const database = reader.read(SETTINGS.database, () => sqlite) ?? sqlite;
  const host = reader.read(SETTINGS.host);
  const port = reader.read(SETTINGS.port);
  const insecure = reader.read(SETTINGS.insecure);
  const auth = resolveAuth(reader, { host, insecure });
  const config: Config = {
    host,
    port,
    dataDir,
    databaseKind: database.kind,
    hostId: reader.read(SETTINGS.hostId),
    hostname: env.hostname,
    listeners: readListeners(reader, port),
    logLevel: reader.read(SETTINGS.logLevel),
    drainMs: reader.read(SETTINGS.drainMs),
    insecure,
    tls: readTls(reader),
    auth,
    hypervisor: {
      accelerator: reader.read(SETTINGS.accelerator),
      kernelMachine: reader.read(SETTINGS.kernelMachine),
      qemuUser: reader.read(SETTINGS.qemuUser),
    },
    images: { directories: readImageDirectories(reader, dataDir) },
    capacity: {
      vcpusPerCore: reader.read(SETTINGS.vcpusPerCore),
      memory: reader.read(SETTINGS.capacityMemory),
    },
    quota: {
      maxMachines: reader.read(SETTINGS.quotaMachines),
      maxVcpus: reader.read(SETTINGS.quotaVcpus),
      maxMemoryMib: Math.floor(reader.read(SETTINGS.quotaMemory) / MIB),
    },
    disks: {
      maxDisks: reader.read(SETTINGS.quotaDisks),
      maxBytes: reader.read(SETTINGS.quotaDiskBytes),
    },
    console: { maxBytes: reader.read(SETTINGS.consoleMaxBytes) },
    events: { retentionDays: reader.read(SETTINGS.eventsRetentionDays) },
    network: readNetwork(reader),
    metrics: readMetrics(reader, { host, isDev: auth.mode === 'dev' }),
    workers: readWorkers(reader),
    migration: readMigration(reader, { dataDir, session: env.session }),
    fleet: readFleet(reader),
  };
  if (reader.problems.length > 0) throw problemsToError(reader.problems);
  return {
    config,
    secrets: { databaseUrl: database.url, govc: env.govc, named: namedSecrets(env) },
    inForce: reader.inForce(),
  };
}

function namedSecrets({ variables }: Environment): Secrets['named'] {
  const isSecret = ([name]: readonly [string, string]) => name.startsWith('DROVER_SECRET_');
  return Object.fromEntries(Object.entries(variables).filter(isSecret));
}

/** Where the config file is looked for when nothing says where it is. */
export function defaultConfigPath(env: Environment): string {
  if (env.isRoot) return '/etc/drover/drover.yaml';
  return join(env.configHome ?? join(env.homeDir, '.config'), 'drover', 'drover.yaml');
}

function defaultDataDir(env: Environment, folderName: string): string {
  if (env.isRoot) return join('/var/lib', folderName);
  return join(env.dataHome ?? join(env.homeDir, '.local', 'share'), folderName);
}

function readTls(reader: ConfigReader): TlsConfig | undefined {
  const certFile = reader.read(SETTINGS.tlsCert);
  const keyFile = reader.read(SETTINGS.tlsKey);
  const clientCaFile = reader.read(SETTINGS.tlsClientCa);
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile };
  if (certFile !== undefined) reader.refuse(SETTINGS.tlsCert, 'needs tls.key beside it');
  if (keyFile !== undefined) reader.refuse(SETTINGS.tlsKey, 'needs tls.cert beside it');
  if (clientCaFile !== undefined && certFile === undefined && keyFile === undefined) {
    reader.refuse(SETTINGS.tlsClientCa, 'needs tls.cert and tls.key beside it');
  }
  return undefined;
}

function readListeners(reader: ConfigReader, gateway: number): Config['listeners'] {
  const ports = reader.read(SETTINGS.listeners);
  const listeners = [...ports].map(([surface, port]) => ({ surface, port }));
  const taken = new Map<number, string>([[gateway, 'the gateway']]);
  for (const { surface, port } of listeners) {
    const holder = port === 0 ? undefined : taken.get(port);
    taken.set(port, surface);
    if (holder === undefined) continue;
    reader.refuse(SETTINGS.listeners, `port ${port} of ${surface} is that of ${holder} already`);
  }
  return listeners;
}

function readImageDirectories(
  reader: ConfigReader,
  dataDir: string,
): readonly [string, ...string[]] {
  const fallback = join(dataDir, 'images');
  const [first = fallback, ...others] =
    reader.read(SETTINGS.imageDirectories, () => [fallback]) ?? [];
  return [first, ...others];
}

function readNetwork(reader: ConfigReader): NetworkConfig {
  const ipv6Subnet = reader.read(SETTINGS.ipv6Subnet);
  return {
    mode: reader.read(SETTINGS.networkMode),
    bridge: reader.read(SETTINGS.bridge),
    ipv4Subnet: reader.read(SETTINGS.ipv4Subnet),
    ipv6Subnet: ipv6Subnet === 'none' ? undefined : ipv6Subnet,
    isolation: reader.read(SETTINGS.isolation),
    dns: reader.read(SETTINGS.dns),
    masquerade: reader.read(SETTINGS.masquerade),
  };
}

function problemsToError(problems: readonly ConfigProblem[]): DroverError {
  const lines = problems.map(({ key, source, text }) => `${key} (${source}): ${text}`);
  const message =
    lines.length === 1
      ? `a setting is wrong: ${lines[0]}`
      : `${lines.length} settings are wrong:\n  ${lines.join('\n  ')}`;
  return new DroverError('invalid_argument', message, {
    reason: 'INVALID_CONFIG',
    metadata: { keys: problems.map((problem) => problem.key).join(',') },
  });
}
