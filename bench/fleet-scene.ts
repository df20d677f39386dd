/** `drover up` that watches so many servers, each through a node_exporter that only seems to be. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { openChildServer, type ChildServer } from './child-server.ts';
import { openPoolServer } from './pool-server.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const PATIENCE_MS = 120_000;
const LOOK_AGAIN_MS = 200;
/** The first servers are those that the document has names for. */
const ROLES = ['ai', 'app', 'storage'];
export const AS_OPERATOR = { Authorization: 'Bearer dev_operator' };

export interface FleetSceneOptions {
  readonly servers: number;
  readonly interval: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Each of them has answered when this does. */
export async function openFleetScene(options: FleetSceneOptions): Promise<ChildServer> {
  const { servers: count, interval, settings } = options;
  await using stack = new AsyncDisposableStack();
  const exporters = stack.use(await openChildServer({ script: 'bench/serve-exporters.ts' }));
  const { path } = stack.use(await openScratchDirectory());
  const config = join(path, 'drover.yaml');
  const servers = Array.from({ length: count }, (_, at) => ({
    id: `node-${at}`,
    roles: [ROLES[at] ?? 'any'],
    sources: [{ kind: 'exporter', url: `${exporters.url}/${at}/metrics` }],
  }));
  await writeFile(config, JSON.stringify({ servers, fleet: { interval, ...settings } }));
  const server = stack.use(await openPoolServer('--config', config, '--workers-warm', '0'));
  await untilOnline(server, count);
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function untilOnline({ url }: ChildServer, count: number): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await fetch(`${url}/api/servers/summary`, { headers: AS_OPERATOR });
    const { summary } = (await answer.json()) as { summary?: { online_servers?: number } };
    if (summary?.online_servers === count) return;
    if (performance.now() > endMs)
      throw new Error(`not all are online: ${JSON.stringify(summary)}`);
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
}
