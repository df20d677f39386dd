/** What Node's permission model lets a member do: its own files, and what it was granted. */
import { join } from 'node:path';
import { MIB } from '#kernel/units.ts';
import { GENERIC_MEMORY_BYTES, type AppBinding, type Grant } from '#workers/worker-app.ts';

/** Each opens one door; all others stay closed. The network has no grant: see app-egress. */
const GRANT_FLAGS = {
  addons: '--allow-addons',
  'child-process': '--allow-child-process',
  wasi: '--allow-wasi',
  worker: '--allow-worker',
} satisfies Record<Grant, string>;

/** In the member's folder, leading to its app's. */
export const APP_LINK = 'app';

export interface MemberFlags {
  /** Absolute paths of what runs inside every member; folders end in `/*`. */
  readonly readable: readonly string[];
  /** The member's own folder, in which the link to its app appears. */
  readonly directory: string;
  readonly maxMemoryBytes: number;
  readonly binding: AppBinding | undefined;
}

export function permissionFlags({
  readable,
  directory,
  maxMemoryBytes,
  binding,
}: MemberFlags): readonly string[] {
  // Not the folder above it: paths are judged as text, and a system call that follows the link
  // before it goes up by `..` would come to the folder above the app's own.
  const app = join(directory, APP_LINK, '*');
  const read = [...readable, app, ...foldersOf(binding?.readableDirectories)];
  const written = foldersOf(binding?.writableDirectories);
  return [
    '--permission',
    // Judged and loaded by the path as it is written, which is the link's and not the app's.
    ...['--preserve-symlinks', '--preserve-symlinks-main'],
    ...[...read, ...written].map((path) => `--allow-fs-read=${path}`),
    ...written.map((path) => `--allow-fs-write=${path}`),
    ...(binding?.grants ?? []).map((grant) => GRANT_FLAGS[grant]),
    `--max-old-space-size=${Math.floor(maxMemoryBytes / MIB)}`,
    '--v8-pool-size=1',
    // It opens files by itself, past the permission model.
    '--no-experimental-sqlite',
    '--no-warnings',
  ];
}

/** Whether a member that was started for anybody would be too closed, or too small, for it. */
export function needsOwnStart(binding: AppBinding, maxMemoryBytes: number): boolean {
  const { grants, readableDirectories, writableDirectories } = binding;
  const asked = grants.length + readableDirectories.length + writableDirectories.length;
  return asked > 0 || maxMemoryBytes > GENERIC_MEMORY_BYTES;
}

function foldersOf(paths: readonly string[] = []): readonly string[] {
  return paths.flatMap((path) => [path, join(path, '*')]);
}
