/** The surface fleet, in front of servers whose numbers are those of its document. */
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import type { OperatorPrincipal } from '#access/principal.ts';
import { Fleet } from '#fleet/fleet.ts';
import type { ServerReading } from '#fleet/server-reading.ts';
import type { AlertCounts } from '#fleet/server-status.ts';
import type { ServerRole, WatchedServer } from '#fleet/server.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { GIB, HOUR_MS, MIB, SECOND_MS } from '#kernel/units.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import type { FleetParts } from '#surfaces/fleet/fleet-parts.ts';
import { registerFleetRoutes } from '#surfaces/fleet/routes.ts';
import { openTestListener, type TestListener } from './edge-listener.ts';
import { exporter, FakeFeeds, watched } from './fake-feeds.ts';
import { createLogCapture } from './log-capture.ts';

const ANYBODY: OperatorPrincipal = {
  ...{ kind: 'operator', name: 'anybody', via: 'dev', scopes: ['operator'] },
};

const COMMON = {
  uptimeSeconds: 86_400,
  cpu: {
    ...{ usagePercent: 45.2, cores: 16, temperatureC: 65, load: [1.2, 1.5, 1.8] },
    modePercents: { user: 40, system: 5.2 },
  },
  memory: {
    ...{ totalBytes: 64 * GIB, availableBytes: 35.5 * GIB, usedBytes: 28.5 * GIB },
    ...{ cachedBytes: 4 * GIB, swapTotalBytes: 0, swapUsedBytes: 0 },
  },
  filesystems: [],
  network: [
    {
      ...{ name: 'eth0', sentBytes: 1200.7, receivedBytes: 3400.2, sentPackets: 10 },
      ...{ receivedPackets: 20, errorsIn: 0, errorsOut: 0, speedBitsPerSecond: undefined },
    },
  ],
} as const satisfies ServerReading;

/** What each of the three tells, in the numbers of the document. */
export const READINGS = {
  ai: {
    ...COMMON,
    gpus: [
      {
        ...{ index: 0, name: 'NVIDIA RTX 4090', usagePercent: 78.3, temperatureC: 72 },
        ...{ memoryUsedBytes: 18_432 * MIB, memoryTotalBytes: 24_576 * MIB },
        ...{ powerW: 350, fanPercent: 65 },
      },
    ],
    sensors: [{ name: 'coretemp', celsius: 65 }],
    pressure: {
      ...{ cpuSomePercent: 1, memorySomePercent: 0, memoryFullPercent: 0 },
      ...{ ioSomePercent: 2.5, ioFullPercent: undefined },
    },
    disks: [
      {
        ...{ device: 'nvme0n1', readBytes: 1e6, writtenBytes: 2e6, reads: 10, writes: 20 },
        busyPercent: 3.25,
      },
    ],
  },
  app: {
    ...COMMON,
    hypervisor: {
      ...{ product: 'Proxmox VE 8.2.4', cpuPercent: 23.1, memoryPercent: 67.8 },
      ...{ storagePercent: 45.2, uptimeSeconds: (168 * HOUR_MS) / SECOND_MS },
    },
    guests: [
      {
        ...{ id: '100', name: 'user-vm', status: 'running', cpuPercent: 15.3 },
        ...{ memoryUsedBytes: 4.2 * GIB, memoryTotalBytes: 8 * GIB },
        ...{ diskUsedBytes: 25.6 * GIB, diskTotalBytes: 32 * GIB, uptimeSeconds: 86_400 },
      },
    ],
  },
  storage: {
    ...COMMON,
    filesystems: [
      {
        ...{ mountPoint: '/mnt/ingest', device: '/dev/sdb1', fstype: 'ext4' },
        ...{ totalBytes: 2000 * GIB, usedBytes: 1250.5 * GIB, availableBytes: 700 * GIB },
        ...{ files: 15_420, filesTotal: 1e6, largestFileBytes: 1024 * MIB, isReadOnly: false },
      },
    ],
    qdrant: {
      ...{ status: 'running', version: '1.7.0', collections: 3, points: 1_250_000 },
      ...{ memoryBytes: 512 * MIB, diskBytes: 45.2 * GIB, diskFrom: 'telemetry' },
    },
  },
} as const satisfies Record<string, ServerReading>;

export function role(id: string, ...roles: readonly ServerRole[]): WatchedServer {
  return { ...watched(id, exporter(`http://${id}`)), roles };
}

/** Servers called `gpu-1`, `pve-1` and `nas-1` until a test says otherwise. */
export class FakeFleet implements AsyncDisposable {
  readonly clock = new FakeClock(Date.UTC(2025, 0, 5, 20, 15));
  readonly feeds = new FakeFeeds();
  readonly alerts = new Map<ServerId, AlertCounts>();
  readonly fleet: Fleet;

  constructor() {
    const { clock, feeds, alerts } = this;
    this.feeds.answers.set('http://gpu-1', READINGS.ai);
    this.feeds.answers.set('http://pve-1', READINGS.app);
    this.feeds.answers.set('http://nas-1', READINGS.storage);
    this.fleet = new Fleet({
      ...{ clock, log: silentLog, opener: feeds, intervalMs: 5000, alerts: () => alerts },
    });
  }

  /** And waits for their answers. */
  async watch(...servers: readonly WatchedServer[]): Promise<void> {
    await this.begin(...servers);
    await this.fleet.settled();
  }

  async begin(...servers: readonly WatchedServer[]): Promise<void> {
    const secrets = [undefined];
    await this.fleet.watch(servers.map((server) => ({ server, secrets })));
  }

  async watchDocumented(): Promise<void> {
    await this.watch(role('gpu-1', 'ai'), role('pve-1', 'app'), role('nas-1', 'storage'));
  }

  parts(changes: Partial<FleetParts> = {}): FleetParts {
    const { clock, fleet } = this;
    return {
      ...{ clock, log: silentLog, version: '1.2.3', fleet, maxSockets: 10 },
      access: { authenticator: new Authenticator({ devMode: true }), anonymous: ANYBODY },
      ...changes,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
  }
}

export interface FleetAppOptions {
  readonly parts?: Partial<FleetParts>;
  readonly isAlone?: boolean;
  /** Refuses who has no token. */
  readonly isClosed?: boolean;
  readonly before?: (app: FastifyInstance) => void;
  /** Of the listener; whichever is free when it is left out. */
  readonly port?: number;
}

/** Without a connection: requests are handed in. */
export function injectFleet(fake: FakeFleet, options: FleetAppOptions = {}) {
  const app = createEdgeApp({
    ...{ log: createLogCapture().log, clock: fake.clock, limits: DEFAULT_EDGE_LIMITS },
    draining: new AbortController().signal,
  });
  options.before?.(app);
  build(app, fake, options);
  const call = async (url: string, headers: Record<string, string> = {}) => {
    const { statusCode, headers: answered, body } = await app.inject({ url, headers });
    const json = (body === '' ? {} : JSON.parse(body)) as Readonly<Record<string, unknown>>;
    return { status: statusCode, headers: answered, json };
  };
  return { app, call };
}

export async function openFleetListener(
  fake: FakeFleet,
  options: FleetAppOptions = {},
): Promise<TestListener> {
  const { port = 0 } = options;
  return await openTestListener((app) => build(app, fake, options), { port });
}

function build(app: FastifyInstance, fake: FakeFleet, options: FleetAppOptions): void {
  const { isAlone = false, isClosed = false } = options;
  const parts = fake.parts(options.parts);
  const anonymous = isClosed ? undefined : parts.access.anonymous;
  void app.register((scope, _options, done) => {
    registerAuthentication(scope, new Authenticator({ devMode: true }), { anonymous });
    const access = { ...parts.access, anonymous };
    registerFleetRoutes(scope, { ...parts, access }, { isAlone });
    done();
  });
}
