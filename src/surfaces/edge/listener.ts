/**
 * One TCP port for HTTP/1.1 and HTTP/2, in the clear or under TLS.
 *
 *   acceptor (net or tls) ── first bytes, or ALPN ──┬─▶ http1 server ─┐
 *                                                   └─▶ http2 server ─┴─▶ one Fastify instance
 *
 * The two protocol servers never listen: the acceptor hands them sockets. A drain goes
 *   open → draining → closed
 * and in `draining` no connection is accepted, idle ones are closed, requests under way finish,
 * streams are told by `app.draining`, and after `drainMs` what is left is cut.
 */
import type { AddressInfo, Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { createAcceptor, listenOn, type TlsOptions } from './acceptor.ts';
import { createEdgeApp } from './edge-app.ts';
import { DEFAULT_EDGE_LIMITS, type EdgeLimits } from './edge-limits.ts';
import type { Logger } from './logger.ts';
import { ProtocolServers } from './protocol-servers.ts';

export interface OpenListenerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: TlsOptions;
  readonly clock: Clock;
  readonly limits?: Partial<EdgeLimits>;
  readonly log: Logger;
  readonly metrics?: MetricsRegistry;
  /** Adds the routes. */
  readonly build: (app: FastifyInstance) => void | Promise<void>;
}

export interface Listener extends AsyncDisposable {
  /** What a client on this host would use. */
  readonly url: string;
  readonly port: number;
  readonly address: string;
  /** Aborts when the drain begins. */
  readonly draining: AbortSignal;
  /** Stops accepting and resolves when the last connection is gone; calling again waits too. */
  drain(): Promise<void>;
}

export async function openListener(options: OpenListenerOptions): Promise<Listener> {
  const limits: EdgeLimits = { ...DEFAULT_EDGE_LIMITS, ...options.limits };
  const { tls, log, clock, metrics } = options;
  const servers = new ProtocolServers(limits, clock);
  // First, since a bad certificate is found out here and nothing needs closing yet.
  const acceptor = createAcceptor({
    limits,
    log,
    taker: servers,
    ...(tls !== undefined && { tls }),
  });
  const app = createEdgeApp({
    log,
    clock,
    limits,
    draining: servers.draining,
    serverFactory: (handler) => servers.start(handler),
    ...(metrics !== undefined && { metrics }),
  });
  try {
    await options.build(app);
    await app.ready();
    await listenOn(acceptor, options.host, options.port);
  } catch (thrown) {
    servers.cut();
    await app.close();
    throw thrown;
  }
  acceptor.on('error', (err) => log.error({ err }, 'accepting a connection failed'));
  return new OpenedListener({ options, limits, servers, app, acceptor });
}

interface Parts {
  readonly options: OpenListenerOptions;
  readonly limits: EdgeLimits;
  readonly servers: ProtocolServers;
  readonly app: FastifyInstance;
  readonly acceptor: Server;
}

class OpenedListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly address: string;
  readonly #parts: Parts;
  #drained: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const bound = parts.acceptor.address();
    if (!isAddressInfo(bound)) throw new Error('a TCP server that listens has an address');
    this.port = bound.port;
    this.address = bound.address;
    const scheme = parts.options.tls === undefined ? 'http' : 'https';
    this.url = `${scheme}://${toClientHost(bound.address)}:${bound.port}`;
  }

  get draining(): AbortSignal {
    return this.#parts.servers.draining;
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drainOnce();
    return this.#drained;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  async #drainOnce(): Promise<void> {
    const { acceptor, servers, app, limits, options } = this.#parts;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    acceptor.close(() => resolve());
    const emptied = servers.beginDrain(shuttingDown());
    using _limit = options.clock.after(limits.drainMs, () => {
      options.log.warn({ drain_ms: limits.drainMs }, 'cutting what did not end in time');
      servers.cut();
    });
    await emptied;
    servers.cut();
    await closed;
    await app.close();
  }
}

function shuttingDown(): DroverError {
  return new DroverError('unavailable', 'the server is shutting down; try again shortly', {
    reason: 'SHUTTING_DOWN',
  });
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** An address that means "all of them" is no place to connect to. */
function toClientHost(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}
