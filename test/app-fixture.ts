/** Archives of apps as people and attackers make them, and a service in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MIB } from '#kernel/units.ts';
import type { AnswerHandler, Exchange, RequestHead } from '#workers/exchange.ts';
import type { AppPolicy } from '#workers/apps/app-policy.ts';
import { AppService, type AppServiceOptions } from '#workers/apps/app-service.ts';
import type { AppWorkers, TaskName } from '#workers/apps/app-workers.ts';
import type { WorkerApp } from '#workers/worker-app.ts';

export interface TarEntry extends Partial<Header> {
  readonly name: string;
  readonly body?: string | Buffer;
}

/** With whatever names and types: nothing is checked here. */
export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { body = '', ...header } of entries) {
    const isEmpty = header.type !== undefined && header.type !== 'file';
    tar.entry({ mode: 0o777, ...header }, isEmpty ? '' : body);
  }
  tar.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tar as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

export const MAIN_JS = 'export default { fetch: () => new Response("hello") };\n';

/** A tar.gz of an app that works. `manifest` is JSON and added to the name and version. */
export async function appArchive(
  name: string,
  version: string,
  {
    manifest = {},
    files = { 'main.js': MAIN_JS },
  }: {
    readonly manifest?: Readonly<Record<string, unknown>>;
    readonly files?: Readonly<Record<string, string | Buffer>>;
  } = {},
): Promise<Buffer> {
  const text = JSON.stringify({ name, version, ...manifest });
  const entries = Object.entries(files).map(([path, body]) => ({ name: path, body }));
  return gzipSync(await tarOf([{ name: 'manifest.json', body: text }, ...entries]));
}

/** As an upload comes: in pieces. */
export async function* inPieces(bytes: Uint8Array, pieceBytes = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

export const OPEN_POLICY: AppPolicy = {
  grants: [],
  directories: [],
  maxMemoryBytes: 1024 * MIB,
  maxWorkers: 500,
};

/** Runs tasks where it stands, remembers what it is told, and answers what `answer` says. */
export class FakeAppWorkers implements AppWorkers {
  readonly calls: string[] = [];
  readonly admitted = new Map<string, WorkerApp>();
  readonly requests: { readonly key: string; readonly head: RequestHead }[] = [];
  answer: (handler: AnswerHandler, exchange: Exchange) => void = (handler) => {
    handler.onHead({ status: 200, headers: [] }, new Uint8Array());
    handler.onEnd();
  };
  /** What a retired key still has to finish. */
  beforeRetired: Promise<void> = Promise.resolve();

  admit(app: WorkerApp): void {
    this.calls.push(`admit ${app.key} min ${app.limits.minWorkers}`);
    if (this.admitted.has(app.key)) throw new Error(`${app.key} is admitted already`);
    this.admitted.set(app.key, app);
  }

  async retire(key: string): Promise<void> {
    this.calls.push(`retire ${key}`);
    this.admitted.delete(key);
    await this.beforeRetired;
  }

  fetch(
    key: string,
    head: RequestHead,
    _body: Uint8Array | undefined,
    handler: AnswerHandler,
  ): Exchange {
    this.requests.push({ key, head });
    const exchange: Exchange = {
      write: () => true,
      end: () => undefined,
      consume: () => undefined,
      abort: () => undefined,
    };
    queueMicrotask(() => this.answer(handler, exchange));
    return exchange;
  }

  async run<O>(
    { module, name }: TaskName,
    input: unknown,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<O> {
    const exports = (await import(module)) as Record<
      string,
      (input: unknown, context: object) => Promise<O>
    >;
    const task = exports[name];
    if (task === undefined) throw new Error(`${module} has no ${name}`);
    return await task(input, { signal, progress: () => undefined });
  }
}

export class AppFixture implements AsyncDisposable {
  readonly directory: string;
  readonly clock = new FakeClock();
  readonly workers = new FakeAppWorkers();
  #service: AppService | undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<AppFixture> {
    return new AppFixture(await mkdtemp(join(tmpdir(), 'drover-apps-')));
  }

  /** Closes the one before. */
  async open(options: Partial<AppServiceOptions> = {}): Promise<AppService> {
    await this.#service?.[Symbol.asyncDispose]();
    // Another run of the server has another pool.
    this.workers.admitted.clear();
    this.#service = await AppService.open({
      directory: join(this.directory, 'apps'),
      workers: this.workers,
      clock: this.clock,
      log: silentLog,
      policy: OPEN_POLICY,
      mostUploadBytes: 100 * MIB,
      logBytes: MIB,
      ...options,
    });
    return this.#service;
  }

  /** The one before is left as it stands, as by a process that is no more. */
  async reopenAfterCrash(): Promise<AppService> {
    this.#service = undefined;
    return await this.open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
