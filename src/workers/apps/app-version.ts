/** A version as the pool and the surfaces know it. */
import type { WorkerApp } from '#workers/worker-app.ts';
import type { VersionRecord } from './app-state.ts';
import type { AppManifest, AppVersion } from './app.ts';

export function createAppVersion(
  manifest: AppManifest,
  directory: string,
  { deployedAt, sizeBytes, fileCount }: VersionRecord,
): AppVersion {
  const key = `${manifest.name}@${manifest.version}`;
  const workerApp = createWorkerApp(key, manifest, directory);
  return { key, manifest, directory, deployedAt, sizeBytes, fileCount, workerApp };
}

function createWorkerApp(
  key: string,
  manifest: AppManifest,
  directory: string,
): WorkerApp | undefined {
  const { name, version, entrypoint, isolation, limits, env, allowedHosts, grants } = manifest;
  if (entrypoint === undefined) return undefined;
  const { readableDirectories, writableDirectories } = manifest;
  const binding = {
    ...{ name, version, directory, entrypoint, env, allowedHosts, grants },
    ...{ readableDirectories, writableDirectories },
  };
  return { key, isolation, limits, binding };
}

/** Any version can be asked for by its number, but only the current one has workers waiting. */
export function withoutMinimum(app: WorkerApp): WorkerApp {
  return { ...app, limits: { ...app.limits, minWorkers: 0 } };
}
