/** `drover up` as it is started, for benchmarks of its worker pool. */
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { openChildServer, repositoryRoot, type ChildServer } from './child-server.ts';
import { readPoolStats, type PoolStats } from './deploy-app.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const PATIENCE_MS = 1_200_000;
const LOOK_AGAIN_MS = 50;

export async function openPoolServer(...args: readonly string[]): Promise<ChildServer> {
  await using stack = new AsyncDisposableStack();
  const { path: data } = stack.use(await openScratchDirectory());
  const common = ['up', '--port', '0', '--data', data, '--network-mode', 'user'];
  const script = join(repositoryRoot, 'drover');
  const server = stack.use(await openChildServer({ script, args: [...common, ...args] }));
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Looks again and again, until the pool is as it is to be measured. */
export async function untilPool(
  { url }: ChildServer,
  isReady: (stats: PoolStats) => boolean,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const stats = await readPoolStats(url);
    if (isReady(stats)) return;
    if (performance.now() > endMs) throw new Error(`the pool stays ${JSON.stringify(stats.pool)}`);
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
}
