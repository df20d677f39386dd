import { machinesAndEvents } from './0001-machines-and-events.ts';
import { metricHistory } from './0002-metric-history.ts';
import { webhooks } from './0003-webhooks.ts';
import { thresholdRules } from './0004-threshold-rules.ts';
import { jobs } from './0005-jobs.ts';
import { schedules } from './0006-schedules.ts';
import { connections } from './0007-connections.ts';
import { servers } from './0008-servers.ts';
import { silences } from './0009-silences.ts';
import { jobLosses } from './0010-job-losses.ts';
import { jobOrders } from './0011-job-orders.ts';
import { alertTellers } from './0012-alert-tellers.ts';
import type { Migration } from './migration.ts';

/** In order of version, without gaps. */
export const MIGRATIONS: readonly Migration[] = [
  machinesAndEvents,
  metricHistory,
  webhooks,
  thresholdRules,
  jobs,
  schedules,
  connections,
  servers,
  silences,
  jobLosses,
  jobOrders,
  alertTellers,
];
