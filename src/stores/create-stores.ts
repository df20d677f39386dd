import { SqlConnectionStore } from './sql-connection-store.ts';
import { SqlJobStore } from './sql-job-store.ts';
import { SqlEventLog } from './sql-event-log.ts';
import type { Database } from './database.ts';
import { SqlMachineStore, type StoreParts } from './sql-machine-store.ts';
import { SqlMetricStore } from './sql-metric-store.ts';
import { SqlRuleStore } from './sql-rule-store.ts';
import { SqlScheduleRunStore } from './sql-schedule-run-store.ts';
import { SqlScheduleStore } from './sql-schedule-store.ts';
import { SqlServerStore } from './sql-server-store.ts';
import { SqlTellerStore } from './sql-teller-store.ts';
import { SqlTokenStore } from './sql-token-store.ts';
import { SqlWebhookStore } from './sql-webhook-store.ts';

export interface Stores {
  readonly machines: SqlMachineStore;
  readonly events: SqlEventLog;
  readonly tokens: SqlTokenStore;
  readonly metrics: SqlMetricStore;
  readonly rules: SqlRuleStore;
  readonly tellers: SqlTellerStore;
  readonly webhooks: SqlWebhookStore;
  readonly jobs: SqlJobStore;
  readonly schedules: SqlScheduleStore;
  readonly scheduleRuns: SqlScheduleRunStore;
  readonly connections: SqlConnectionStore;
  readonly servers: SqlServerStore;
}

/** They own nothing: closing the database is all there is to close. */
export function createStores(database: Database, parts: Omit<StoreParts, 'database'>): Stores {
  return {
    machines: new SqlMachineStore({ database, ...parts }),
    events: new SqlEventLog(database, parts.eventSignal),
    tokens: new SqlTokenStore(database),
    metrics: new SqlMetricStore(database),
    rules: new SqlRuleStore({ database, ...parts }),
    tellers: new SqlTellerStore(database),
    webhooks: new SqlWebhookStore(database),
    jobs: new SqlJobStore({ database, ...parts }),
    schedules: new SqlScheduleStore(database),
    scheduleRuns: new SqlScheduleRunStore({ database, ...parts }),
    connections: new SqlConnectionStore(database),
    servers: new SqlServerStore(database),
  };
}
