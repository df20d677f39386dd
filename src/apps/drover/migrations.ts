/**
 * Jobs, schedules, and the migrations that they are for.
 *
 *   requests ─▶ JobService ─┐
 *   schedules ─▶ submitter ─┴▶ jobs ─▶ JobRunner ─▶ MigrationHandler ─▶ source, copier, target
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ThreadDiskCopier } from '#backends/disk-copier/thread-disk-copier.ts';
import { VddkParts } from '#backends/vsphere/vddk-parts.ts';
import { UploadFolder } from '#backends/files/upload-folder.ts';
import type { Accelerator } from '#backends/libvirt/libvirt-host.ts';
import type { JobHandler } from '#jobs/job-handler.ts';
import type { JobRequest } from '#jobs/job.ts';
import { JobRunner } from '#jobs/job-runner.ts';
import { JobService } from '#jobs/job-service.ts';
import type { Clock } from '#kernel/clock.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Log } from '#kernel/log.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { RunSubmitter } from '#schedules/run-submitter.ts';
import { ScheduleRunner } from '#schedules/schedule-runner.ts';
import { ScheduleService } from '#schedules/schedule-service.ts';
import type { Stores } from '#stores/create-stores.ts';
import { BandwidthShare } from '#transfers/bandwidth-share.ts';
import { ConnectionService } from '#transfers/connection-service.ts';
import type { SourceOpener } from '#transfers/connection.ts';
import type { MigrationParts, Sources, Targets } from '#transfers/migration-parts.ts';
import { FAN_OUT_KIND, MIGRATION_KIND } from '#transfers/migration-spec.ts';
import { secretUsesOf } from '#transfers/secret-uses.ts';
import { SourceResolver } from '#transfers/source-resolver.ts';
import { checkSubmission } from '#transfers/submit-check.ts';
import type { Uploads } from '#transfers/uploads.ts';
import type { WorkerPool } from '#workers/pool/worker-pool.ts';
import type { MigrationConfig } from './config-migration.ts';
import { govcToLogin, isGovcSet } from './govc-login.ts';
import { LazyFileSourceOpener } from './lazy-file-source-opener.ts';
import { LazyJobHandler } from './lazy-job-handler.ts';
import { LazySourceOpener } from './lazy-source-opener.ts';
import { loadSecretBox } from './secret-key.ts';
import { ConfiguredTargets, type DroverHere } from './targets.ts';

export interface MigrationsOptions {
  readonly config: MigrationConfig;
  readonly accelerator: Accelerator;
  /** Why not to rely on a KVM that is there; undefined: nothing is known against it. */
  readonly kvmFault: string | undefined;
  /** What this process itself can look into guests with. */
  readonly preparesBy: Accelerator;
  readonly govc: Readonly<Record<string, string>>;
  readonly dataDir: string;
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly stores: Stores;
  readonly pool: WorkerPool;
  readonly here: DroverHere;
}

export interface Migrations extends AsyncDisposable {
  readonly jobs: JobService;
  readonly runner: JobRunner;
  readonly schedules: ScheduleService;
  readonly connections: ConnectionService;
  /** Throws what a job would certainly fail with. */
  readonly checkSubmission: (request: Pick<JobRequest, 'spec'>) => Promise<void>;
  readonly sources: Sources;
  readonly targets: Targets;
  /** What reading through VDDK takes, and whether it is there. */
  readonly vddk: VddkParts;
  readonly uploads: Uploads;
  readonly maxUploadBytes: number;
}

export async function openMigrations(options: MigrationsOptions): Promise<Migrations> {
  const { config, govc, dataDir, hostId, clock, log, metrics, stores } = options;
  await using stack = new AsyncDisposableStack();
  const secretBox = await loadSecretBox(dataDir);
  const { nbdkit, vddkLibrary: library, session: environment } = config;
  const vddk = new VddkParts({ nbdkit, library, environment }, clock);
  const opener = stack.use(new LazySourceOpener({ clock, log, vddk }));
  const connections = new ConnectionService({
    ...{ store: stores.connections, opener, secretBox, clock },
  });
  const workDirectory = join(dataDir, 'migrations');
  await mkdir(workDirectory, { recursive: true });
  const { directories } = config;
  const hasDefaultSource = () => isGovcSet(govc);
  const parts = createParts(options, { connections, opener, workDirectory });
  const { sources, targets } = parts;
  const handlers = [
    new LazyJobHandler(MIGRATION_KIND, () => loadMigrationHandler(parts, options)),
    new LazyJobHandler(FAN_OUT_KIND, async () => {
      const { FanOutHandler } = await import('#transfers/fan-out-handler.ts');
      return new FanOutHandler({ clock, sources, jobs });
    }),
  ];
  const jobs: JobService = new JobService({ store: stores.jobs, handlers, secretBox, clock });
  const runner = stack.use(
    new JobRunner({
      ...{ store: stores.jobs, handlers, secretBox, clock, log, metrics, holder: hostId },
      limits: {
        slots: config.slots,
        lanes: {
          vcenter: config.perVcenter,
          esxi: config.perSourceHost,
          destination: config.perDestination,
        },
      },
    }),
  );
  const submitter = new RunSubmitter({
    ...{ runs: stores.scheduleRuns, jobs, secretBox, clock, log },
  });
  const scheduleRunner = stack.use(
    new ScheduleRunner({ runs: stores.scheduleRuns, submitter, clock, log }),
  );
  const schedules = new ScheduleService({
    ...{ store: stores.schedules, runs: stores.scheduleRuns, submitter, secretBox, clock },
    defaultTimezone: config.timezone,
    secretUsesOf,
    onChange: () => scheduleRunner.wake(),
  });
  await runner.start();
  scheduleRunner.start();
  const closing = stack.move();
  return {
    ...{ jobs, runner, schedules, connections, sources, targets, vddk },
    checkSubmission: (request) =>
      checkSubmission({ directories, connections, hasDefaultSource }, request),
    uploads: new UploadFolder({ directory: uploadsIn(workDirectory, directories), clock }),
    maxUploadBytes: config.maxUploadBytes,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

interface SourceEnd {
  readonly connections: ConnectionService;
  readonly opener: SourceOpener;
  readonly workDirectory: string;
}

/** What a migration goes from, through and to. */
function createParts(
  options: MigrationsOptions,
  { connections, opener, workDirectory }: SourceEnd,
): Omit<MigrationParts, 'preparer'> {
  const { config, accelerator, kvmFault, govc, clock, log, pool } = options;
  const copier = new ThreadDiskCopier(pool);
  const { directories, session } = config;
  const sources = new SourceResolver({
    ...{ connections, opener },
    files: new LazyFileSourceOpener({
      ...{ directories, uploads: uploadsIn(workDirectory, directories) },
      hash: (request, signal) => copier.hash(request, signal),
      measure: (feed, signal) => copier.measure(feed, signal),
    }),
    defaultLogin: () => govcToLogin(govc),
  });
  const targets = new ConfiguredTargets({
    ...{ clock, log, accelerator, kvmFault, directories, session, workDirectory },
    here: options.here,
    hash: (path, ...call) => copier.hash({ path, algorithm: 'sha256' }, ...call),
  });
  return {
    ...{ clock, sources, targets, copier },
    bandwidth: new BandwidthShare(config.bytesPerSecond),
  };
}

async function loadMigrationHandler(
  parts: Omit<MigrationParts, 'preparer'>,
  { config, clock, preparesBy: accelerator }: MigrationsOptions,
): Promise<JobHandler> {
  const [{ MigrationHandler }, { VirtV2vPreparer }] = await Promise.all([
    import('#transfers/migration-handler.ts'),
    import('#backends/virt-v2v/virt-v2v-preparer.ts'),
  ]);
  const preparer = new VirtV2vPreparer({ clock, environment: config.session, accelerator });
  return new MigrationHandler({ ...parts, preparer });
}

/** Where jobs may read what was uploaded. */
function uploadsIn(workDirectory: string, directories: readonly string[]): string {
  const [first = workDirectory] = directories;
  return join(directories.includes(workDirectory) ? workDirectory : first, 'uploads');
}
