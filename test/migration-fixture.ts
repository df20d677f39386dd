/** The surface migration, in front of jobs, schedules and sources that a test makes up. */
import type { FastifyInstance } from 'fastify';
import { Authenticator } from '#access/authenticator.ts';
import type { OperatorPrincipal } from '#access/principal.ts';
import type { RecordedEvent } from '#events/event.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { createEdgeApp } from '#surfaces/edge/edge-app.ts';
import { DEFAULT_EDGE_LIMITS } from '#surfaces/edge/edge-limits.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerMigrationRoutes } from '#surfaces/migration/routes.ts';
import { MigrationMetrics } from '#surfaces/migration/status/migration-metrics.ts';
import { openTestListener, type TestListener } from './edge-listener.ts';
import { FakeConnections } from './fake-connections.ts';
import { FakeJobs } from './fake-jobs.ts';
import { FakeSchedules } from './fake-schedules.ts';
import { FakeVsphere } from './fake-vsphere.ts';
import type { WebhookSender } from '#webhooks/webhook-sender.ts';
import type { WebhookService } from '#webhooks/webhook-service.ts';
import { createLogCapture, type LogCapture } from './log-capture.ts';

const ANYBODY: OperatorPrincipal = {
  kind: 'operator',
  name: 'anybody',
  via: 'dev',
  scopes: ['operator'],
};

/** An event log that a test writes. */
class FakeEvents {
  readonly recorded: RecordedEvent[] = [];

  add(event: RecordedEvent['event']): void {
    this.recorded.push({ id: this.recorded.length + 1, at: 0, event });
  }

  async lastId(): Promise<number> {
    return this.recorded.length;
  }

  async read({ afterId, kinds, limit }: Parameters<MigrationParts['events']['read']>[0]) {
    const fits = ({ id, event }: RecordedEvent) =>
      id > afterId && kinds?.includes(event.kind) !== false;
    return this.recorded.filter(fits).slice(0, limit);
  }
}

export class FakeMigration {
  readonly clock = new FakeClock(Date.UTC(2026, 0, 17, 10, 30));
  readonly registry = new MetricsRegistry();
  readonly events = new FakeEvents();
  readonly jobs = new FakeJobs(this.clock, (event) => this.events.add(event));
  readonly schedules = new FakeSchedules(this.clock);
  readonly connections = new FakeConnections(this.clock);
  readonly vsphere = new FakeVsphere();
  readonly runner = { stats: () => ({ slots: 10, active: 3 }) };

  parts(changes: Partial<MigrationParts> = {}): MigrationParts {
    const { clock, jobs, schedules, connections, events, runner, registry, vsphere } = this;
    const version = '1.2.3';
    return {
      ...{ clock, version, jobs, schedules, connections, events, runner },
      log: silentLog,
      startedMs: clock.monotonicMs(),
      access: { authenticator: new Authenticator({ devMode: true }), anonymous: ANYBODY },
      webhooks: noWebhooks({ refusalOf: () => undefined }),
      sources: vsphere,
      metrics: new MigrationMetrics({ metrics: registry, clock, version, jobs, runner }),
      checkSubmission: async () => undefined,
      preflight: async () => [],
      capabilities: async () => ({ capabilities: {}, default_method: 'nfc' }),
      uploads: noUploads(),
      maxUploadBytes: 1000,
      maxSockets: 100,
      ...changes,
    };
  }
}

function noUploads(): MigrationParts['uploads'] {
  const refuse = () => Promise.reject(new Error('nothing is uploaded here'));
  return { list: async () => [], save: refuse, remove: refuse };
}

type UrlJudge = Pick<WebhookSender, 'refusalOf'>;

/** For tests that keep none. */
function noWebhooks(sender: UrlJudge): MigrationParts['webhooks'] {
  const service = new Proxy({} as WebhookService, {
    get: () => () => {
      throw new Error('this test has no webhooks');
    },
  });
  return { sender, service };
}

export interface MigrationOptions {
  /** Judges URLs; for tests that keep no webhooks. */
  readonly sender?: UrlJudge;
  readonly fake?: FakeMigration;
  readonly parts?: Partial<MigrationParts>;
  readonly isAlone?: boolean;
  /** Of the listener; whichever is free when it is left out. */
  readonly port?: number;
  readonly before?: (app: FastifyInstance) => void;
}

function build(app: FastifyInstance, parts: MigrationParts, isAlone: boolean): void {
  void app.register((scope, _options, done) => {
    const { anonymous } = parts.access;
    const authenticator = new Authenticator({ devMode: true });
    registerAuthentication(scope, authenticator, { anonymous });
    registerMigrationRoutes(scope, parts, { isAlone });
    done();
  });
}

export interface InjectedMigration {
  readonly app: FastifyInstance;
  readonly fake: FakeMigration;
  readonly logged: LogCapture;
  readonly call: (method: Method, url: string, body?: unknown) => Promise<Answer>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Without a connection: requests are handed in. */
export function injectMigration(options: MigrationOptions = {}): InjectedMigration {
  const { fake = new FakeMigration(), sender, parts, isAlone = false, before } = options;
  const logged = createLogCapture();
  const app = createEdgeApp({
    log: logged.log,
    clock: fake.clock,
    limits: DEFAULT_EDGE_LIMITS,
    draining: new AbortController().signal,
  });
  before?.(app);
  const webhooks = sender && { webhooks: noWebhooks(sender) };
  build(app, fake.parts({ ...webhooks, ...parts }), isAlone);
  const call = async (method: Method, url: string, body?: unknown) => {
    const answer = await app.inject({
      method,
      url,
      ...(body !== undefined && {
        payload: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const { statusCode: status, headers } = answer;
    return { status, headers, json: answer.json<Answer['json']>() };
  };
  return { app, fake, logged, call };
}

export interface OpenMigration extends TestListener {
  readonly fake: FakeMigration;
}

export async function openMigration(options: MigrationOptions = {}): Promise<OpenMigration> {
  const { fake = new FakeMigration(), parts, isAlone = false, port = 0 } = options;
  const opened = await openTestListener((app) => build(app, fake.parts(parts), isAlone), { port });
  return { ...opened, fake };
}
