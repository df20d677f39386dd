/**
 * Every setting of the server, once. From a key such as `tls.clientCa` come its place in the
 * config file, its variable `DROVER_TLS_CLIENT_CA` and its flag `--tls-client-ca`; parsing,
 * `drover config`, help and completions all read this table.
 */
import type { HostId } from '#kernel/ids.ts';
import { GIB, MIB } from '#kernel/units.ts';
import {
  addressListKind,
  anyText,
  databaseKind,
  enumKind,
  hostIdKind,
  numberKind,
  orNoneKind,
  pathKind,
  pathListKind,
  portMapKind,
  shareOrSizeKind,
  sizeKind,
  subnetKind,
  switchKind,
  textKind,
  unlimitedKind,
  urlKind,
  wholeKind,
} from './config-values.ts';
import type { Database, ShareOrSize } from './config-values.ts';
import { FLEET_SETTINGS } from './fleet-settings.ts';
import { METRICS_SETTINGS } from './metrics-settings.ts';
import { MIGRATION_SETTINGS } from './migration-settings.ts';
import { optional, setting } from './setting.ts';
import { WORKERS_SETTINGS } from './workers-settings.ts';

/** Surfaces that this version serves, each of which can have a port of its own. */
export const SURFACES = ['vm-service', 'vm-metrics', 'pool-metrics', 'migration', 'fleet'] as const;
export type SurfaceName = (typeof SURFACES)[number];
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const AUTH_MODES = ['auto', 'dev', 'token', 'jwt'] as const;
export const ACCELERATORS = ['auto', 'kvm', 'tcg'] as const;
export const KERNEL_MACHINES = ['microvm', 'q35'] as const;
export const NETWORK_MODES = ['auto', 'tap', 'user'] as const;
export const ISOLATIONS = ['machine', 'customer'] as const;

const serving = {
  host: setting('host', {
    kind: textKind('an address or a host name', /^[A-Za-z0-9.:[\]_-]+$/, 'ADDRESS'),
    fallback: '127.0.0.1',
    doc: 'The address to listen on. Any but loopback needs authentication, or --insecure.',
  }),
  port: setting('port', {
    kind: wholeKind(0, 65_535, 'PORT'),
    fallback: 8080,
    doc: 'The port of the gateway, which serves every surface. 0 takes a free one.',
  }),
  data: setting('data', {
    kind: optional(pathKind),
    fallback: undefined,
    fallbackDoc: '/var/lib/drover for root, else $XDG_DATA_HOME/drover or ~/.local/share/drover',
    doc: 'The folder of the database, the images and all that machines leave on disk.',
  }),
  database: setting<Database | undefined>('database', {
    kind: databaseKind,
    fallback: undefined,
    fallbackDoc: 'sqlite:DATA/drover.db',
    doc: 'Where everything is recorded. PostgreSQL lets several hosts work as one.',
  }),
  hostId: setting<HostId | undefined>('hostId', {
    kind: hostIdKind,
    fallback: undefined,
    fallbackDoc: "the host's name at first start, then kept in DATA/host-id",
    doc: 'The name of this host in the database. Machines stay with the host they began on.',
  }),
  listeners: setting('listeners', {
    kind: portMapKind(SURFACES),
    fallback: new Map<SurfaceName, number>(),
    fallbackDoc: 'none',
    doc: 'Surfaces that are also served alone, each on a port of its own.',
    repeatedFlag: 'listen',
  }),
  logLevel: setting('logLevel', {
    kind: enumKind(LOG_LEVELS),
    fallback: 'info',
    doc: 'How much goes to the log, which is written to stderr.',
  }),
  drainMs: setting('drainMs', {
    kind: wholeKind(0, 600_000, 'MS'),
    fallback: 10_000,
    doc: 'How long calls in progress are waited for when the server is told to stop.',
  }),
  insecure: setting('insecure', {
    kind: switchKind,
    fallback: false,
    doc: 'Allows dev tokens, which anybody can make up, on an address others can reach.',
  }),
} as const;

const security = {
  tlsCert: setting('tls.cert', {
    kind: optional(pathKind),
    fallback: undefined,
    doc: 'A PEM file with the certificate chain of the server. Turns TLS on.',
  }),
  tlsKey: setting('tls.key', {
    kind: optional(pathKind),
    fallback: undefined,
    doc: 'A PEM file with the private key of the certificate.',
  }),
  tlsClientCa: setting('tls.clientCa', {
    kind: optional(pathKind),
    fallback: undefined,
    doc: 'A PEM file. Clients must show a certificate that one of its authorities signed.',
  }),
  authMode: setting('auth.mode', {
    kind: enumKind(AUTH_MODES),
    fallback: 'auto',
    doc:
      'Which tokens are accepted beside API tokens: dev accepts made-up ones, jwt those of ' +
      'auth.jwt, token none. auto is jwt where auth.jwt is set, else dev on loopback.',
  }),
  jwtIssuer: setting('auth.jwt.issuer', {
    kind: optional(anyText),
    fallback: undefined,
    doc: 'What the claim iss of a JWT must be.',
  }),
  jwtAudience: setting('auth.jwt.audience', {
    kind: optional(anyText),
    fallback: undefined,
    doc: 'What the claim aud of a JWT must hold.',
  }),
  jwksUrl: setting('auth.jwt.jwksUrl', {
    kind: optional(urlKind),
    fallback: undefined,
    doc: 'Where the keys are fetched that JWTs are checked with.',
  }),
  jwtPublicKeyFile: setting('auth.jwt.publicKeyFile', {
    kind: optional(pathKind),
    fallback: undefined,
    doc: 'Instead of a URL: a PEM file with one or more public keys or certificates.',
  }),
  jwtCustomerClaim: setting('auth.jwt.customerClaim', {
    kind: anyText,
    fallback: 'sub',
    doc: 'The claim that says whose machines the bearer sees.',
  }),
  jwtOperatorClaim: setting('auth.jwt.operatorClaim', {
    kind: anyText,
    fallback: 'scope',
    doc: 'The claim that makes the bearer an operator, if it holds auth.jwt.operatorValue.',
  }),
  jwtOperatorValue: setting('auth.jwt.operatorValue', {
    kind: anyText,
    fallback: 'drover:operator',
    doc: 'The value of that claim that an operator has.',
  }),
} as const;

const machines = {
  accelerator: setting('hypervisor.accelerator', {
    kind: enumKind(ACCELERATORS),
    fallback: 'auto',
    doc: 'auto uses KVM if a small guest boots by it, else TCG, which is much slower.',
  }),
  kernelMachine: setting('hypervisor.kernelMachine', {
    kind: enumKind(KERNEL_MACHINES),
    fallback: 'microvm',
    doc: 'The machine type of guests that boot a kernel. Those that boot a disk are q35.',
  }),
  qemuUser: setting('hypervisor.qemuUser', {
    kind: optional(textKind('the name of a user', /^[a-z_][a-z0-9_-]{0,31}\$?$/, 'USER')),
    fallback: undefined,
    fallbackDoc: 'the first there is of drover, libvirt-qemu and nobody',
    doc: 'The user QEMU runs as when Drover is root.',
  }),
  imageDirectories: setting<readonly string[] | undefined>('images.directories', {
    kind: pathListKind,
    fallback: undefined,
    fallbackDoc: 'DATA/images',
    doc: 'Kernels and disks are taken from these folders only. The first is also /assets.',
  }),
  vcpusPerCore: setting('capacity.vcpusPerCore', {
    kind: numberKind(0.1, 64),
    fallback: 8,
    doc: 'How many vCPUs may run for each core of the host.',
  }),
  capacityMemory: setting<ShareOrSize>('capacity.memory', {
    kind: shareOrSizeKind,
    fallback: { kind: 'share', share: 0.9 },
    doc: 'How much memory running machines may have together.',
  }),
  quotaMachines: setting('quotas.machines', {
    kind: unlimitedKind(wholeKind(0, 1_000_000)),
    fallback: 100,
    doc: 'Machines a customer may have, unless `drover quota set` says otherwise.',
  }),
  quotaVcpus: setting('quotas.vcpus', {
    kind: unlimitedKind(wholeKind(0, 1_000_000)),
    fallback: 200,
    doc: 'vCPUs of all its machines together.',
  }),
  quotaMemory: setting('quotas.memory', {
    kind: unlimitedKind(sizeKind(MIB)),
    fallback: 256 * GIB,
    doc: 'Memory of all its machines together.',
  }),
  quotaDisks: setting('quotas.disks', {
    kind: unlimitedKind(wholeKind(0, 10_000)),
    fallback: 100,
    doc: 'Disks a customer may have sent here.',
  }),
  quotaDiskBytes: setting('quotas.diskBytes', {
    kind: unlimitedKind(sizeKind(MIB)),
    fallback: 1024 * GIB,
    doc: 'Bytes of all those disks together.',
  }),
  consoleMaxBytes: setting('console.maxBytes', {
    kind: sizeKind(64 * 1024),
    fallback: 4 * MIB,
    doc: "How much of each machine's console is kept.",
  }),
  eventsRetentionDays: setting('events.retentionDays', {
    kind: wholeKind(1, 3650, 'DAYS'),
    fallback: 30,
    doc: 'How long events can be read back.',
  }),
} as const;

const networking = {
  networkMode: setting('network.mode', {
    kind: enumKind(NETWORK_MODES),
    fallback: 'auto',
    doc: 'tap puts machines on a bridge and needs CAP_NET_ADMIN; user needs nothing.',
  }),
  bridge: setting('network.bridge', {
    kind: textKind('1 to 15 letters, digits or _ . -', /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/, 'NAME'),
    fallback: 'drover0',
    doc: 'The bridge, which Drover makes if it is missing.',
  }),
  ipv4Subnet: setting('network.ipv4Subnet', {
    kind: subnetKind(4),
    fallback: '172.31.0.0/19',
    doc: 'Where IPv4 addresses of machines come from. The host has the first.',
  }),
  ipv6Subnet: setting('network.ipv6Subnet', {
    kind: orNoneKind(subnetKind(6)),
    fallback: 'fd00:d0e:5a1c:77::/64',
    doc: 'Where IPv6 addresses of machines come from. The host has the first.',
  }),
  isolation: setting('network.isolation', {
    kind: enumKind(ISOLATIONS),
    fallback: 'machine',
    doc: 'Whether machines reach no other machine, or those of their own customer.',
  }),
  dns: setting('network.dns', {
    kind: addressListKind,
    fallback: ['1.1.1.1', '2606:4700:4700::1111'],
    doc: 'The name servers machines are told of.',
  }),
  masquerade: setting('network.masquerade', {
    kind: switchKind,
    fallback: false,
    doc: "Whether machines reach the outside by the host's own address.",
  }),
} as const;

export const SETTINGS = {
  ...serving,
  ...security,
  ...machines,
  ...networking,
  ...METRICS_SETTINGS,
  ...WORKERS_SETTINGS,
  ...MIGRATION_SETTINGS,
  ...FLEET_SETTINGS,
} as const;

/** What the agent knows of them: it has no machines and no networks of its own. */
export const AGENT_SETTINGS: readonly AnySetting[] = [
  ...[SETTINGS.port, SETTINGS.host, SETTINGS.data, SETTINGS.database, SETTINGS.hostId],
  ...[SETTINGS.logLevel, SETTINGS.drainMs],
  ...Object.values(security),
  ...Object.values(METRICS_SETTINGS),
];

export type AnySetting = (typeof SETTINGS)[keyof typeof SETTINGS];

export const ALL_SETTINGS: readonly AnySetting[] = Object.values(SETTINGS);

/** Variables that are no settings: those of the commands, and where the config file is. */
export const OTHER_VARIABLES = [
  'DROVER_CONFIG',
  'DROVER_SERVER',
  'DROVER_TOKEN',
  'DROVER_TOKEN_FILE',
  'DROVER_CA',
] as const;
