/** Apps and their versions as the API answers them. */
import { toIsoTime } from '#kernel/clock.ts';
import type { App, AppVersion } from '#workers/apps/app.ts';
import type { AppKey } from '#workers/worker-app.ts';
import type { AppView } from '#workers/worker-view.ts';
import type { AppPool } from '#surfaces/apps/apps-parts.ts';

export type AppViews = ReadonlyMap<AppKey, AppView>;

export function viewsOf(pool: Pick<AppPool, 'apps'>): AppViews {
  return new Map(pool.apps().map((view) => [view.app, view]));
}

function appPath(name: string): string {
  return `/apps/${name}/`;
}

export function appToJson({ name, current, versions }: App, views: AppViews): object {
  const ofAll = versions.flatMap(({ key }) => views.get(key) ?? []);
  return {
    name,
    current: current.manifest.version,
    url: appPath(name),
    access: current.manifest.access,
    failing: views.get(current.key)?.failing ?? null,
    workers: {
      active: sum(ofAll, 'active'),
      idle: sum(ofAll, 'idle'),
      creating: sum(ofAll, 'creating'),
    },
    versions: versions.map((version) => ({
      version: version.manifest.version,
      current: version.key === current.key,
      ...versionFacts(version),
      workers: version.workerApp === undefined ? null : workersToJson(views.get(version.key)),
    })),
  };
}

export function deploymentToJson(version: AppVersion, previous: string | null): object {
  const { name } = version.manifest;
  return {
    ...{ name, version: version.manifest.version, url: appPath(name) },
    previous_version: previous,
    access: version.manifest.access,
    ...versionFacts(version),
  };
}

function versionFacts({ deployedAt, sizeBytes, fileCount }: AppVersion): object {
  return {
    deployed_at: toIsoTime(deployedAt),
    size_bytes: sizeBytes,
    file_count: fileCount,
  };
}

/** The pool knows a version from its first request on. */
function workersToJson(view: AppView | undefined): object {
  return {
    active: view?.active ?? 0,
    idle: view?.idle ?? 0,
    creating: view?.creating ?? 0,
    in_flight: view?.inFlight ?? 0,
    queued: view?.queued ?? 0,
    requests: view?.requests ?? 0,
    failing: view?.failing ?? null,
  };
}

function sum(views: readonly AppView[], field: 'active' | 'idle' | 'creating'): number {
  return views.reduce((total, view) => total + view[field], 0);
}
