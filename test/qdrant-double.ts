/** A Qdrant, as its REST API and its metrics tell of it. A test changes what it says, and when. */
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { KeyPair } from './certificates.ts';
import { HeldAnswers } from './held-answers.ts';
import { listening, type LoopbackServer } from './loopback-server.ts';

export const QDRANT_KEY = 'qdrant-key-of-the-tests';
/** These it answers without a key. */
const OPEN_PATHS = ['/', '/healthz', '/livez', '/readyz'];
const TELEMETRY = '/telemetry?details_level=4';

interface DoubleCollection {
  readonly points: number;
  readonly status?: 'green' | 'yellow' | 'grey' | 'red';
  /** Of its one segment; most builds do not know it and say 0. */
  readonly diskBytes?: number;
}

export class QdrantDouble implements AsyncDisposable {
  readonly answers = new HeldAnswers();
  readonly collections = new Map<string, DoubleCollection>([
    ['documents', { points: 1_000_000, diskBytes: 40_000 }],
    ['images', { points: 250_000, status: 'yellow', diskBytes: 5000 }],
    ['empty/one', { points: 0 }],
  ]);
  isInRecovery = false;
  metricsPrefix = '';
  readonly #server: LoopbackServer;
  readonly #isTls: boolean;

  private constructor(server: LoopbackServer, isTls: boolean) {
    this.#server = server;
    this.#isTls = isTls;
  }

  static async open(pair?: KeyPair): Promise<QdrantDouble> {
    const box: { double?: QdrantDouble } = {};
    const listener: RequestListener = (request, response) => {
      const path = request.url ?? '';
      if (!OPEN_PATHS.includes(path) && request.headers['api-key'] !== QDRANT_KEY) {
        response.writeHead(401).end('Must provide an API key or an Authorization bearer token');
        return;
      }
      void box.double?.answers.admit(path, response).then((isUsual) => {
        const body = isUsual ? box.double?.answerTo(path) : undefined;
        if (isUsual) response.writeHead(body === undefined ? 404 : 200).end(body);
      });
    };
    const isTls = pair !== undefined;
    const server = isTls ? createServer(pair, listener) : createPlain(listener);
    box.double = new QdrantDouble(await listening(server), isTls);
    return box.double;
  }

  get url(): string {
    return `${this.#isTls ? 'https' : 'http'}://127.0.0.1:${this.#server.port}`;
  }

  answerTo(path: string): string | undefined {
    const [, name] = /^\/collections\/(.+)$/.exec(path) ?? [];
    if (name !== undefined) return this.#collection(decodeURIComponent(name));
    switch (path) {
      case '/':
        return '{"title":"qdrant - vector search engine","version":"1.14.1","commit":"abc"}';
      case '/healthz':
      case '/livez':
        return `${path.slice(1)} check passed`;
      case '/readyz':
        return 'all shards are ready';
      case '/collections':
        return ok({ collections: Array.from(this.collections.keys(), (each) => ({ name: each })) });
      case '/metrics':
        return this.#metrics();
      case TELEMETRY:
        return ok({ id: 'x', collections: this.#telemetry() });
      default:
        return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #collection(name: string): string | undefined {
    const found = this.collections.get(name);
    if (found === undefined) return undefined;
    return ok({
      ...{ status: found.status ?? 'green', optimizer_status: 'ok', segments_count: 1 },
      ...{ indexed_vectors_count: found.points, points_count: found.points, config: {} },
    });
  }

  #metrics(): string {
    const metrics = {
      app_status_recovery_mode: this.isInRecovery ? 1 : 0,
      collections_total: this.collections.size,
      memory_resident_bytes: 536_870_912,
      memory_active_bytes: 1,
    };
    return Object.entries(metrics)
      .map(([name, value]) => {
        const full = `${this.metricsPrefix}${name}`;
        return `# TYPE ${full} gauge\n${full} ${value}\n`;
      })
      .join('');
  }

  #telemetry() {
    const collections = Array.from(this.collections, ([id, { points, diskBytes = 0 }]) => {
      const info = { num_points: points, ram_usage_bytes: 0, disk_usage_bytes: diskBytes };
      return { id, shards: [{ id: 0, local: { segments: [{ info }] }, remote: [] }] };
    });
    return { number_of_collections: collections.length, collections };
  }
}

function ok(result: unknown): string {
  return JSON.stringify({ result, status: 'ok', time: 0.0001 });
}
