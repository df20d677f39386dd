/**
 * Connections that stop being HTTP: clients of HTTP/1.1 that ask to go on as a WebSocket.
 *
 *   asked ──▶ refused (an answer of HTTP, then closed)
 *     └─────▶ taken by the handler of its host, or else of its path ──▶ closed
 *
 * Each surface registers what it answers and does the rest itself: who may, the handshake, and what
 * becomes of its sockets when `app.draining` aborts. What always holds: a handler that throws
 * before it wrote anything is answered for; there are never more sockets than the limit; and a
 * socket that is closed is forgotten. A host of a handler's own belongs to it alone, so that no
 * path of the platform can be reached there.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { principalToLogId, type Principal } from '#access/principal.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Gauge, MetricsRegistry } from '#kernel/metrics-registry.ts';
import { toHttpFailure } from './http-errors.ts';
import type { Logger } from './logger.ts';
import { failureToRawAnswer } from './raw-answer.ts';
import { redactPath } from './redaction.ts';
import { REQUEST_ID_HEADER, createRequestIdSource } from './request-id.ts';

export interface UpgradeRequest {
  readonly id: string;
  readonly raw: IncomingMessage;
  /** Paused. Its errors are dealt with: they close it. */
  readonly socket: Socket;
  /** What the client sent right behind its request. */
  readonly start: Buffer;
  /** Who asks, once the handler has found out; for the log. */
  principal: Principal | undefined;
}

/** Takes the socket over, or throws what is to be answered. */
export type UpgradeHandler = (request: UpgradeRequest) => void | Promise<void>;

export interface UpgradeRoute {
  /** What the log and the metrics call it. */
  readonly route: string;
  /** The one path, or what the paths begin with; or `isHost`, for hosts of the handler's own. */
  readonly path?: string;
  readonly prefix?: string;
  readonly isHost?: (host: string) => boolean;
  readonly handle: UpgradeHandler;
}

export interface UpgradesOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly draining: AbortSignal;
  /** The most sockets at the same time. */
  readonly limit: number;
  readonly metrics?: MetricsRegistry;
}

export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #routes: UpgradeRoute[] = [];
  readonly #requestId = createRequestIdSource();
  readonly #open: Gauge<'route'> | undefined;
  #count = 0;

  constructor(options: UpgradesOptions) {
    this.#options = options;
    this.#open = options.metrics?.gauge({
      name: 'drover_http_upgraded_connections',
      help: 'Connections that went on as a WebSocket, by route.',
      labels: ['route'],
    });
  }

  register(route: UpgradeRoute): void {
    this.#routes.push(route);
  }

  /** Without a route nothing is upgraded: such requests are served as if they had not asked. */
  listenTo(server: Server): void {
    if (this.#routes.length === 0) return;
    server.on('upgrade', (raw: IncomingMessage, socket: Duplex, start: Buffer) => {
      if (socket instanceof Socket) void this.#take(raw, socket, start);
      else socket.destroy();
    });
  }

  async #take(raw: IncomingMessage, socket: Socket, start: Buffer): Promise<void> {
    const { clock, log } = this.#options;
    const id = this.#requestId(raw.headers[REQUEST_ID_HEADER]);
    const route = this.#find(raw);
    // Apart from the request, which is not to be kept for as long as the connection lasts.
    let principal: Principal | undefined;
    const request: UpgradeRequest = {
      ...{ id, raw, socket, start },
      get principal() {
        return principal;
      },
      set principal(caller) {
        principal = caller;
      },
    };
    const startedMs = clock.monotonicMs();
    const writtenBefore = socket.bytesWritten;
    const facts = {
      ...{ request_id: id, method: raw.method, route: route?.route ?? '(unmatched)' },
      ...{ path: redactPath(raw.url ?? '/'), remote: socket.remoteAddress },
    };
    // Errors end the connection, and that is all there is to do about them here.
    socket.on('error', () => socket.destroy());
    prepare(socket);
    try {
      if (route === undefined) throw noSuchPath(raw.url ?? '/');
      this.#admit(route.route, socket);
      socket.once('close', () => {
        const bytes = socket.bytesWritten - writtenBefore;
        const durationMs = Math.round(clock.monotonicMs() - startedMs);
        const caller = principal === undefined ? {} : { principal: principalToLogId(principal) };
        log.info({ ...facts, ...caller, bytes, duration_ms: durationMs }, 'upgrade');
      });
      await route.handle(request);
    } catch (thrown) {
      const failure = toHttpFailure(thrown);
      const { status, error } = failure;
      const level = status >= 500 && error.kind === 'internal' ? 'error' : 'warn';
      log[level]({ ...facts, status, reason: error.reason, err: error }, 'upgrade refused');
      if (socket.bytesWritten > writtenBefore || !socket.writable) socket.destroy();
      else socket.end(failureToRawAnswer(failure, id), () => socket.destroy());
    }
  }

  #find(raw: IncomingMessage): UpgradeRoute | undefined {
    const host = raw.headers.host ?? '';
    const path = raw.url ?? '/';
    const [withoutQuery] = path.split('?', 1);
    return (
      this.#routes.find(({ isHost }) => isHost?.(host) === true) ??
      this.#routes.find((route) => route.path === withoutQuery) ??
      this.#routes.find(({ prefix }) => prefix !== undefined && path.startsWith(prefix))
    );
  }

  #admit(route: string, socket: Socket): void {
    const { draining, limit } = this.#options;
    draining.throwIfAborted();
    if (this.#count >= limit) {
      throw new DroverError('unavailable', `there are ${limit} WebSockets, which is the most`, {
        reason: 'TOO_MANY_SOCKETS',
        metadata: { retryAfter: '5' },
      });
    }
    this.#count += 1;
    this.#open?.add({ route }, 1);
    socket.once('close', () => {
      this.#count -= 1;
      this.#open?.add({ route }, -1);
    });
  }
}

const KEEP_ALIVE_MS = 60_000;

function prepare(socket: Socket): void {
  // A client that is done sending may still listen.
  socket.allowHalfOpen = true;
  socket.setTimeout(0);
  // What was cut off somewhere on the way is found out by the system.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
}

function noSuchPath(path: string): DroverError {
  return new DroverError('not_found', 'there is no WebSocket at this path', {
    reason: 'PATH_NOT_FOUND',
    metadata: { path: path.split('?', 1)[0]?.slice(0, 256) ?? '' },
  });
}
