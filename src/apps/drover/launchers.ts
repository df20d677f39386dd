/** What workers run in on this host: processes inside the walls it allows, and threads. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProcessLauncher } from '#backends/worker-process/process-launcher.ts';
import { ThreadLauncher } from '#backends/worker-thread/thread-launcher.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { MemberLauncher } from '#workers/member.ts';
import type { Isolation } from '#workers/worker-app.ts';

export interface LaunchersOptions {
  readonly runDirectory: string;
  readonly firstUid: number;
  /** The most there may be. */
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Log;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export function createLaunchers(
  options: LaunchersOptions,
): Readonly<Record<Isolation, MemberLauncher>> {
  const { runDirectory, firstUid, workers, clock, log } = options;
  const isRoot = process.getuid?.() === 0;
  return {
    process: new ProcessLauncher({
      ...{ runDirectory, clock },
      node: process.execPath,
      sources: { root: ROOT, entry: 'apps/member/process-main', packages: ['ws'] },
      // More than there may be workers: the user of one is free only when all of it is gone.
      users: isRoot ? { firstUid, count: 2 * workers } : undefined,
      onConfined: ({ missing }) => {
        for (const sentence of missing) log.warn({}, sentence);
      },
    }),
    thread: new ThreadLauncher(join(ROOT, 'src/apps/member/thread-main.ts')),
  };
}
