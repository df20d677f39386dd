/** Calls apps, deploys them and reads the pool's numbers, over HTTP as anybody would. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { OPERATOR, type Json } from './api-client.ts';
import { appArchive } from './app-fixture.ts';

const APPS = join(import.meta.dirname, 'apps');
const AUTHORIZATION = { authorization: `Bearer ${OPERATOR}` };
/** What has no answer by then hangs. */
const PATIENCE_MS = 50_000;

export interface PoolAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** Undefined when the text is no JSON. */
  readonly json: Json;
  /** Of a refusal. */
  readonly reason: string | undefined;
  readonly tookMs: number;
}

export interface PoolCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface DeployedApp {
  /** A folder in test/apps, or the source itself. */
  readonly app: string | { readonly source: string };
  readonly name: string;
  readonly version?: string;
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Beside the source. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface PoolStats {
  readonly pool: Readonly<
    Record<'size' | 'active' | 'idle' | 'creating' | 'total' | 'utilization', number>
  >;
  readonly workers: readonly StatsWorker[];
}

export interface StatsWorker {
  readonly id: string;
  readonly app: string;
  readonly state: string;
  readonly requests: number;
  readonly pid: number | null;
  readonly inFlight: number;
  readonly memory: { readonly rss: number };
  readonly draining: boolean;
  readonly endReason: string | null;
}

export class PoolClient implements Disposable {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.url = url;
  }

  async ask(path: string, { method = 'GET', headers = {}, body }: PoolCall = {}) {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const to = { method, headers, agent: this.#agent, signal };
    const request = httpRequest(new URL(path, this.url), to);
    request.end(body);
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const said = await text(answer);
    const tookMs = performance.now() - startedAt;
    return toAnswer(answer, said, tookMs);
  }

  /** Answers the version that is current now. */
  async deploy({ name, version = '1.0.0', app, manifest, files }: DeployedApp): Promise<string> {
    const source =
      typeof app === 'string' ? await readFile(join(APPS, app, 'main.ts'), 'utf8') : app.source;
    const body = await appArchive(name, version, {
      manifest: { access: 'public', entrypoint: 'main.ts', ...manifest },
      files: { 'main.ts': source, ...files },
    });
    const headers = { ...AUTHORIZATION, 'content-type': 'application/gzip' };
    const answer = await this.ask('/api/v1/apps', { method: 'POST', headers, body });
    if (answer.status !== 201) throw new Error(`${name}: ${answer.status} ${answer.text}`);
    return version;
  }

  /** Answers the version that is current now. */
  async rollback(name: string, version?: string): Promise<string> {
    const answer = await this.ask(`/api/v1/apps/${name}/rollback`, {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify({ version }),
    });
    if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text}`);
    return answer.json.current;
  }

  /** As an operator; what is no success is an error. */
  async read(path: string): Promise<PoolAnswer> {
    const answer = await this.ask(path, { headers: AUTHORIZATION });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  async stats(): Promise<PoolStats> {
    return (await this.read('/metrics/api/metrics/stats')).json;
  }

  async live(app: string): Promise<readonly StatsWorker[]> {
    const { workers } = await this.stats();
    return workers.filter((it) => it.app.startsWith(`${app}@`) && it.state !== 'terminated');
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function toAnswer(answer: IncomingMessage, said: string, tookMs: number): PoolAnswer {
  const json = parse(said);
  const reason = json?.details?.[0]?.reason;
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    ...{ text: said, json, reason, tookMs },
  };
}

function parse(said: string): Json {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}
