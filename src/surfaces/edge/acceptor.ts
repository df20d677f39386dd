/** The socket that listens: plain TCP, or TLS with ALPN and, when asked, client certificates. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TlsOptions as TlsServerOptions } from 'node:tls';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { EdgeLimits } from './edge-limits.ts';
import type { Logger } from './logger.ts';

export interface TlsOptions {
  /** PEM: the certificate, followed by its intermediates. */
  readonly cert: string;
  /** PEM: the private key. */
  readonly key: string;
  /** PEM: with it, only clients with a certificate of this authority are let in. */
  readonly clientCa?: string;
}

/** Takes over what was accepted. */
export interface SocketTaker {
  onRaw(socket: Socket): void;
  /** `alpn` is undefined without TLS, and false when the TLS client named no protocol. */
  onReadable(socket: Socket, alpn: string | false | undefined): void;
}

export interface AcceptorOptions {
  readonly tls?: TlsOptions;
  readonly limits: EdgeLimits;
  readonly log: Logger;
  readonly taker: SocketTaker;
}

export function createAcceptor(options: AcceptorOptions): Server {
  const acceptor =
    options.tls === undefined ? plainAcceptor(options) : tlsAcceptor(options.tls, options);
  acceptor.maxConnections = options.limits.connections;
  acceptor.prependListener('connection', (socket: Socket) => options.taker.onRaw(socket));
  acceptor.on('drop', (dropped) => {
    const remote = dropped?.remoteAddress;
    options.log.warn({ remote }, 'connection refused: the limit on connections is reached');
  });
  return acceptor;
}

/** Binds; a refusal of the system becomes a sentence that says what to change. */
export async function listenOn(acceptor: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  acceptor.once('error', reject);
  acceptor.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw bindRefused(`${host}:${port}`, cause);
  } finally {
    acceptor.off('error', reject);
  }
}

function plainAcceptor(options: AcceptorOptions): Server {
  return createServer({ noDelay: true }, (socket) => options.taker.onReadable(socket, undefined));
}

function tlsAcceptor(tls: TlsOptions, options: AcceptorOptions): Server {
  const { taker, limits, log } = options;
  const acceptor = createTlsAcceptor({
    cert: tls.cert,
    key: tls.key,
    ca: tls.clientCa,
    requestCert: tls.clientCa !== undefined,
    rejectUnauthorized: tls.clientCa !== undefined,
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.firstBytesTimeoutMs,
    noDelay: true,
  });
  acceptor.on('secureConnection', (socket) =>
    taker.onReadable(socket, socket.alpnProtocol ?? false),
  );
  acceptor.on('tlsClientError', (error, socket) => {
    log.debug({ err: error, remote: socket.remoteAddress }, 'TLS handshake failed');
  });
  return acceptor;
}

function createTlsAcceptor(settings: TlsServerOptions): TlsServer {
  try {
    return createTlsServer(settings);
  } catch (cause) {
    throw new DroverError(
      'invalid_argument',
      'tls: the certificate, key or client authority is not valid PEM, or they do not match',
      { reason: 'INVALID_TLS', cause },
    );
  }
}

function bindRefused(where: string, cause: unknown): DroverError {
  const code = systemErrorCode(cause);
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: 'it is in use by another program; choose another port',
    EACCES: 'this user may not; choose a port above 1023',
    EADDRNOTAVAIL: 'this host has no such address; choose one that it has',
    ENOTFOUND: 'the host name is not known; choose an address of this host',
  };
  const problem = problems[code ?? ''] ?? `the system refused (${code ?? 'unknown error'})`;
  return new DroverError('unavailable', `cannot listen on ${where}: ${problem}`, {
    reason: 'CANNOT_LISTEN',
    cause,
  });
}
