/** Gives a running server an app, as `drover app deploy` does: packed and sent over its API. */
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export interface BenchApp {
  readonly name: string;
  /** Of the one file; JavaScript, so that it is the same to who strips types and who does not. */
  readonly code: string;
  /** What the manifest says further. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** Accepted because the servers under test listen on loopback only. */
const AUTHORIZATION = 'Bearer dev_operator';

export async function deployApp(serverUrl: string, app: BenchApp): Promise<void> {
  const { name, code, manifest } = app;
  const archive = pack();
  const about = { name, version: '1.0.0', access: 'public', ...manifest };
  archive.entry({ name: 'manifest.json' }, JSON.stringify(about));
  archive.entry({ name: 'main.mjs' }, code);
  archive.finalize();
  const answer = await fetch(`${serverUrl}/api/v1/apps`, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/gzip' },
    body: new Uint8Array(gzipSync(await buffer(archive))),
  });
  if (!answer.ok) throw new Error(`${name} was not deployed: ${await answer.text()}`);
  await answer.arrayBuffer();
}

export interface PoolStats {
  readonly pool: { readonly idle: number; readonly creating: number; readonly total: number };
  readonly workers: readonly { readonly app: string; readonly state: string }[];
}

export async function readPoolStats(serverUrl: string): Promise<PoolStats> {
  const answer = await fetch(`${serverUrl}/metrics/api/metrics/stats`, {
    headers: { authorization: AUTHORIZATION },
  });
  if (!answer.ok) throw new Error(`the pool tells nothing: ${await answer.text()}`);
  return (await answer.json()) as PoolStats;
}
