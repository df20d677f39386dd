/** What this surface stands on, made once by the composition root. */
import type { Authenticator } from '#access/authenticator.ts';
import type { Principal } from '#access/principal.ts';
import type { EventLog } from '#events/event-log.ts';
import type { JobRequest, JsonObject } from '#jobs/job.ts';
import type { JobRunner } from '#jobs/job-runner.ts';
import type { JobService } from '#jobs/job-service.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { ScheduleService } from '#schedules/schedule-service.ts';
import type { ConnectionService } from '#transfers/connection-service.ts';
import type { Finding } from '#transfers/finding.ts';
import type { Sources } from '#transfers/migration-parts.ts';
import type { Uploads } from '#transfers/uploads.ts';
import type { WebhookSender } from '#webhooks/webhook-sender.ts';
import type { Webhooks } from '#webhooks/open-webhooks.ts';
import type { MigrationMetrics } from './status/migration-metrics.ts';

/** The jobs, as far as they are used here. */
export type Jobs = Pick<
  JobService,
  | 'submit'
  | 'get'
  | 'list'
  | 'counts'
  | 'cancel'
  | 'retry'
  | 'clean'
  | 'setControls'
  | 'history'
  | 'logs'
  | 'remove'
>;

export type Schedules = Pick<
  ScheduleService,
  | 'create'
  | 'preview'
  | 'get'
  | 'list'
  | 'change'
  | 'remove'
  | 'enable'
  | 'disable'
  | 'trigger'
  | 'runs'
  | 'stats'
>;

export type Connections = Pick<
  ConnectionService,
  'create' | 'get' | 'list' | 'change' | 'remove' | 'test'
>;

export interface MigrationParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** When this program started, on the clock's monotonic scale. */
  readonly startedMs: number;
  readonly access: {
    readonly authenticator: Pick<Authenticator, 'authenticate'>;
    /** Whom a caller without a token is taken for; undefined refuses such callers. */
    readonly anonymous: Principal | undefined;
  };
  readonly jobs: Jobs;
  readonly runner: Pick<JobRunner, 'stats'>;
  readonly schedules: Schedules;
  readonly connections: Connections;
  readonly webhooks: Pick<Webhooks, 'service'> & {
    readonly sender: Pick<WebhookSender, 'refusalOf'>;
  };
  readonly events: Pick<EventLog, 'read' | 'lastId'>;
  /** Where VMs are found; see `askSource`. */
  readonly sources: Sources;
  /** Files that were sent here. */
  readonly uploads: Uploads;
  readonly maxUploadBytes: number;
  readonly metrics: MigrationMetrics;
  /** Throws what the job would certainly fail with; it asks nobody outside. */
  readonly checkSubmission: (request: Pick<JobRequest, 'spec'>) => Promise<void>;
  /** Of a request as it would be submitted. */
  readonly preflight: (body: unknown, signal: AbortSignal) => Promise<readonly Finding[]>;
  /** What this installation can do, and why not; answered as it is. */
  readonly capabilities: (signal: AbortSignal) => Promise<JsonObject>;
  /** How many sockets may follow at the same time. */
  readonly maxSockets: number;
}
