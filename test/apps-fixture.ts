/**
 * The surface of apps on a listener, over a pool that answers as a test says and a catalogue that
 * a test fills: what is tested is what lies between a caller's connection and the pool.
 */
import { once, EventEmitter } from 'node:events';
import { Authenticator } from '#access/authenticator.ts';
import { TokenService } from '#access/token-service.ts';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { OpenListenerOptions } from '#surfaces/edge/listener.ts';
import type { AppCatalog, AppPool } from '#surfaces/apps/apps-parts.ts';
import { mountApps } from '#surfaces/apps/mount-apps.ts';
import { AppHosts } from '#surfaces/apps/serving/app-hosts.ts';
import type { AppLogLine } from '#workers/apps/app-log.ts';
import type { App, AppManifest, AppVersion } from '#workers/apps/app.ts';
import type { AnswerHandler, Exchange, FlatHeaders, RequestHead } from '#workers/exchange.ts';
import type { WorkerLimits } from '#workers/worker-app.ts';
import type { AppView } from '#workers/worker-view.ts';
import { openTestListener, type TestListener } from './edge-listener.ts';
import { MemoryTokenStore } from './memory-token-store.ts';

const LIMITS: WorkerLimits = {
  ...{ concurrency: 10, minWorkers: 0, maxWorkers: 4, idleTimeoutMs: SECOND_MS },
  ...{ requestTimeoutMs: SECOND_MS, queueLimit: 10, queueTimeoutMs: SECOND_MS },
  ...{ startTimeoutMs: SECOND_MS, maxRequests: 1000, maxMemoryBytes: 1e8 },
};

export function testVersion(
  name: string,
  manifest: Partial<AppManifest> = {},
  directory = '/nowhere',
): AppVersion {
  const { version = '1.0.0', entrypoint = 'app.ts' } = manifest;
  const key = `${name}@${version}`;
  const hasWorkers = !('entrypoint' in manifest) || manifest.entrypoint !== undefined;
  return {
    ...{ key, directory, deployedAt: 0, sizeBytes: 10, fileCount: 2 },
    manifest: {
      ...{ name, version, entrypoint, isolation: 'process', access: 'public', limits: LIMITS },
      ...{ env: {}, statics: undefined, cron: [], events: [], allowedHosts: [], grants: [] },
      ...{ readableDirectories: [], writableDirectories: [] },
      ...manifest,
    },
    workerApp: hasWorkers
      ? { key, isolation: 'process', limits: LIMITS, binding: undefined }
      : undefined,
  };
}

/** One request as the pool got it, and what a test does with it. */
export class PoolCall implements Exchange {
  readonly key: string;
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  readonly handler: AnswerHandler;
  readonly written: Uint8Array[] = [];
  readonly #events = new EventEmitter();
  /** What `write` answers. */
  takesMore = true;
  hasEnded = false;
  isAborted = false;
  consumed = 0;

  constructor(
    key: string,
    head: RequestHead,
    rest: readonly [Uint8Array | undefined, AnswerHandler],
  ) {
    this.key = key;
    this.head = head;
    [this.body, this.handler] = rest;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    this.#events.emit('change');
    return this.takesMore;
  }

  end(): void {
    this.hasEnded = true;
    this.#events.emit('change');
  }

  consume(byteCount: number): void {
    this.consumed += byteCount;
    this.#events.emit('change');
  }

  abort(): void {
    this.isAborted = true;
    this.#events.emit('change');
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }

  /** The values of all headers of that name. */
  header(name: string): string[] {
    return this.head.headers.filter((_, at) => at % 2 === 1 && this.head.headers[at - 1] === name);
  }

  /** Resolves once it holds, whenever anything was done to the exchange. */
  async until(holds: (call: this) => boolean): Promise<void> {
    while (!holds(this)) await once(this.#events, 'change');
  }

  answer(status: number, headers: FlatHeaders = [], body: string | Uint8Array = ''): void {
    this.handler.onHead({ status, headers }, Buffer.from(body));
    this.handler.onEnd();
  }
}

class ScriptedPool implements AppPool {
  readonly calls: PoolCall[] = [];
  views: AppView[] = [];
  readonly #script: (call: PoolCall) => void;
  readonly #events = new EventEmitter();

  constructor(script: (call: PoolCall) => void) {
    this.#script = script;
  }

  fetch(
    key: string,
    head: RequestHead,
    body: Uint8Array | undefined,
    handler: AnswerHandler,
  ): PoolCall {
    const call = new PoolCall(key, head, [body, handler]);
    this.calls.push(call);
    this.#events.emit('call');
    this.#script(call);
    return call;
  }

  apps(): readonly AppView[] {
    return this.views;
  }

  /** The newest request, once there is one. */
  async call(): Promise<PoolCall> {
    for (;;) {
      const call = this.calls.at(-1);
      if (call !== undefined) return call;
      await once(this.#events, 'call');
    }
  }
}

class FakeCatalog implements AppCatalog {
  readonly versions = new Map<string, AppVersion>();
  readonly done: string[] = [];
  readonly lines: AppLogLine[] = [];
  readonly #events = new EventEmitter();
  /** What deploying an archive comes to. */
  onDeploy: (archive: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<AppVersion>;

  constructor(versions: readonly AppVersion[]) {
    for (const version of versions) this.versions.set(version.manifest.name, version);
    this.onDeploy = async (archive) => {
      let bytes = 0;
      for await (const chunk of archive) bytes += chunk.length;
      const version = { ...testVersion('new'), sizeBytes: bytes };
      this.versions.set('new', version);
      return version;
    };
  }

  deploy(
    archive: AsyncIterable<Uint8Array>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<AppVersion> {
    return this.onDeploy(archive, signal);
  }

  async rollback(name: string, version?: string): Promise<App> {
    this.done.push(`rollback ${name} ${version}`);
    return this.get(name);
  }

  async remove(name: string, version?: string): Promise<void> {
    this.get(name);
    this.done.push(`remove ${name} ${version}`);
  }

  list(): readonly App[] {
    return [...this.versions.keys()].map((name) => this.get(name));
  }

  get(name: string): App {
    const current = this.resolve(name);
    return { name, current, versions: [current] };
  }

  resolve(spec: string): AppVersion {
    const version = this.versions.get(spec.split('@')[0] ?? '');
    if (version !== undefined) return version;
    throw new DroverError('not_found', `there is no app ${spec}`, { reason: 'APP_NOT_FOUND' });
  }

  /** What those who follow are told. */
  say(line: AppLogLine): void {
    this.#events.emit('line', line);
  }

  /** Of all that follow. */
  get followers(): number {
    return this.#events.listenerCount('line');
  }

  logs(name: string) {
    this.get(name);
    return {
      read: async ({ lines }: { readonly lines: number }) => this.lines.slice(-lines),
      follow: (signal: AbortSignal, { lines }: { readonly lines: number }) =>
        this.#follow(signal, lines),
    };
  }

  async *#follow(signal: AbortSignal, lines: number): AsyncGenerator<AppLogLine> {
    yield* this.lines.slice(-lines);
    try {
      const coming = EventEmitter.on(this.#events, 'line', { signal });
      for await (const [line] of coming) yield line as AppLogLine;
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }
}

export interface AppsFixture extends TestListener {
  readonly pool: ScriptedPool;
  readonly catalog: FakeCatalog;
  readonly metrics: MetricsRegistry;
  readonly tokens: TokenService;
}

export interface AppsFixtureOptions {
  readonly versions?: readonly AppVersion[];
  readonly script?: (call: PoolCall) => void;
  readonly clock?: Clock;
  readonly domain?: string;
  readonly hosts?: ReadonlyMap<string, string>;
  readonly maxUploadBytes?: number;
  readonly listener?: Partial<OpenListenerOptions>;
  /** Told every route of the API, such as `GET /api/v1/apps/{name}`. */
  readonly onRoute?: (route: string) => void;
}

export async function openApps(options: AppsFixtureOptions = {}): Promise<AppsFixture> {
  const { clock = systemClock, domain, hosts = new Map(), maxUploadBytes = 1000 } = options;
  const pool = new ScriptedPool(options.script ?? ((call) => call.answer(200, [], 'ok')));
  const catalog = new FakeCatalog(options.versions ?? [testVersion('shop')]);
  const metrics = new MetricsRegistry();
  const tokens = new TokenService({ store: new MemoryTokenStore(), clock });
  const authenticator = new Authenticator({ devMode: true, tokens });
  const listener = await openTestListener(
    (app) => {
      app.addHook('onRoute', ({ method, url }) => {
        if (!url.startsWith('/api/') || method === 'HEAD') return;
        options.onRoute?.(`${String(method)} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
      });
      app.get('/health', { config: { public: true } }, async () => 'healthy');
      mountApps(app, {
        ...{ clock, authenticator, apps: catalog, pool, maxUploadBytes, version: '1' },
        hosts: new AppHosts({ domain, hosts }),
      });
    },
    { clock, metrics, ...options.listener },
  );
  return { ...listener, pool, catalog, metrics, tokens };
}
