/** All that the package exports. */
export { DroverApiError } from './drover-api-error.ts';
export type { ErrorKind } from './drover-api-error.ts';
export type { ClientOptions } from './drover-http.ts';
export type { EventStream } from './event-stream.ts';
export { FleetClient } from './fleet-client.ts';
export type {
  AiServer,
  AppServer,
  FileSystemMetrics,
  FleetHealth,
  FleetOverview,
  FleetServer,
  GuestMetrics,
  ListedServer,
  ServerStatus,
  SourceStatus,
  StorageServer,
} from './fleet-shapes.ts';
export type { FleetWatch, FleetWatchEvents, FleetWatchOptions } from './fleet-watch.ts';
export { MetricsClient } from './metrics-client.ts';
export type {
  MetricsClientOptions,
  MetricsResponse,
  PoolMetrics,
  StatsResponse,
  WorkerMetrics,
} from './metrics-client.ts';
export { MigrationClient } from './migration-client.ts';
export type {
  JobLogLine,
  ScheduleRequest,
  WaitOptions,
  WebhookRequest,
} from './migration-client.ts';
export type {
  Connection,
  Finding,
  Job,
  JobFilters,
  JobPage,
  JobProgress,
  JobRequest,
  JobStatus,
  Schedule,
  ScheduleRun,
  SourceVm,
  SubmitAnswer,
  VmSource,
  VmSummary,
  Webhook,
  WebhookTest,
} from './migration-shapes.ts';
export type { JobFeed, JobFeedEvents, LiveStatus, ScheduleNews } from './job-feed.ts';
export { ResourceClient } from './resource-client.ts';
export type {
  DiskUsage,
  GpuUsage,
  HealthStatus,
  InterfaceUsage,
  Range,
  RangeQuery,
  Series,
  SeriesQuery,
  Snapshot,
} from './resource-client.ts';
export { VmClient } from './vm-client.ts';
export type { Vm, VmAnswer, VmConfig, VmList, VmState } from './vm-client.ts';
