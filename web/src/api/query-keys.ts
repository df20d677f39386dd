/**
 * What is known of the server, by name: `[what, ...which]`. All of a kind is invalidated by its
 * first word. A view adds its own words here, so that nobody uses one twice.
 */
import type { TimeRange } from '#web/format/time-range.ts';

export const queryKeys = {
  session: ['session'],
  host: ['host'],
  hostHistory: (range: TimeRange) => ['host-history', range],
  alerts: ['alerts'],
  apps: ['apps'],
  appLog: (name: string) => ['app-log', name],
  fleetHistory: (what: string, range: TimeRange) => ['fleet-history', what, range],
  health: ['health'],
  images: ['images'],
  machines: ['machines'],
  machineList: ['machines', 'list'],
  machineLoad: ['machines', 'load'],
  machine: (id: string) => ['machines', 'one', id],
  machineHistory: (id: string, range: TimeRange) => ['machine-history', id, range],
  abilities: (customer: string) => ['abilities', customer],
  ownDisks: (customer: string) => ['own-disks', customer],
  migrationStatus: ['migration-status'],
  migrationJobs: ['migration-jobs'],
  migrationJob: (id: string) => ['migration-job', id],
  migrationLines: (id: string, kind: string) => ['migration-lines', id, kind],
  capabilities: ['capabilities'],
  connections: ['connections'],
  uploads: ['uploads'],
  sourceVms: ['source-vms'],
  palette: ['palette'],
  schedules: ['schedules'],
  webhooks: ['webhooks'],
  processes: (by: string) => ['processes', by],
  rules: ['rules'],
  runningJobs: ['running-jobs'],
  server: (id: string) => ['servers', id],
  serverSettings: ['server-settings'],
  servers: ['servers'],
  silences: ['silences'],
  tokens: ['tokens'],
  workerPool: ['worker-pool'],
} as const;
