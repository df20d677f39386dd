/**
 * The HTTP/1.1 and HTTP/2 servers behind one port, and every connection they were handed. They
 * never listen: connections come from the acceptor.
 */
import * as http from 'node:http';
import * as http2 from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '#kernel/clock.ts';
import type { DroverError } from '#kernel/errors.ts';
import type { SocketTaker } from './acceptor.ts';
import { answerUnderWay, noteAnswer } from './answer-under-way.ts';
import type { EdgeLimits } from './edge-limits.ts';
import { boundRequestBody } from './body-deadline.ts';
import { closeWhenIdle } from './http2-guard.ts';
import { sniffProtocol } from './protocol-sniffer.ts';

/** The handler Fastify gives is written for HTTP/1.1 types and serves both. */
interface RequestSink {
  handle(
    request: http.IncomingMessage | http2.Http2ServerRequest,
    response: http.ServerResponse | http2.Http2ServerResponse,
  ): void;
}

export class ProtocolServers implements SocketTaker {
  readonly #limits: EdgeLimits;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #unsniffed = new Set<Socket>();
  /** Under TLS they are not those that were accepted. */
  readonly #http1Sockets = new Set<Socket>();
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  readonly #draining = new AbortController();
  readonly #empty = Promise.withResolvers<void>();
  #sink: RequestSink | undefined;
  #http1: http.Server | undefined;
  #http2: http2.Http2Server | undefined;

  constructor(limits: EdgeLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  start(handle: RequestSink['handle']): http.Server {
    const sink: RequestSink = { handle };
    this.#sink = sink;
    this.#http1 = this.#createHttp1(sink);
    return this.#http1;
  }

  /** A connection was accepted; under TLS its handshake has not begun. */
  onRaw(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#settleIfEmpty();
    });
    // Errors end the connection, and that is all there is to do about them here.
    socket.on('error', () => socket.destroy());
  }

  /** Bytes can be read: which protocol is told by ALPN or by the first of them. */
  onReadable(socket: Socket, alpn: string | false | undefined): void {
    // Its handshake ended after the drain began, so nothing is under way on it.
    if (this.draining.aborted) socket.destroy();
    else if (alpn === 'h2') this.#takeHttp2(socket);
    else if (alpn !== undefined) this.#http1?.emit('connection', socket);
    else this.#sniff(socket);
  }

  /** Lets what is under way finish and closes the rest. */
  beginDrain(reason: DroverError): Promise<void> {
    this.#draining.abort(reason);
    for (const socket of this.#unsniffed) socket.destroy();
    for (const session of this.#sessions) session.close();
    for (const socket of this.#http1Sockets) {
      const answer = answerUnderWay(socket);
      if (answer !== undefined) this.#endAfter(answer);
    }
    this.#http1?.closeIdleConnections();
    this.#settleIfEmpty();
    return this.#empty.promise;
  }

  /** Ends every connection now, and the checks of slow clients with them. */
  cut(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    this.#http1?.close();
  }

  #sniff(socket: Socket): void {
    this.#unsniffed.add(socket);
    const forget = () => this.#unsniffed.delete(socket);
    socket.once('close', forget);
    sniffProtocol(socket, {
      clock: this.#clock,
      timeoutMs: this.#limits.firstBytesTimeoutMs,
      onProtocol: (protocol) => {
        socket.off('close', forget);
        forget();
        if (protocol === 'http2') {
          // It takes over the handle below the socket, and what was put back with it.
          this.#takeHttp2(socket);
        } else {
          this.#http1?.emit('connection', socket);
          socket.resume();
        }
      },
    });
  }

  /** Made for the first who speaks it: an agent of every host mostly meets HTTP/1.1 alone. */
  #takeHttp2(socket: Socket): void {
    if (this.#sink === undefined) return;
    this.#http2 ??= this.#createHttp2(this.#sink);
    this.#http2.emit('connection', socket);
  }

  #createHttp1(sink: RequestSink): http.Server {
    const limits = this.#limits;
    const server: http.Server = http.createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      // Bodies have their own deadline, which a route can lift.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: checkEveryMs(limits),
      // Anything else a client would upgrade to (curl offers h2c) is served as plain HTTP/1.1.
      shouldUpgradeCallback: (request) =>
        request.headers.upgrade?.toLowerCase() === 'websocket' &&
        server.listenerCount('upgrade') > 0,
    });
    // One more than allowed, so that a request that goes over can be told from one that fits.
    server.maxHeadersCount = limits.headerCount + 1;
    server.on('connection', (socket) => {
      this.#http1Sockets.add(socket);
      socket.once('close', () => this.#http1Sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      noteAnswer(response);
      if (this.draining.aborted) this.#endAfter(response);
      this.#bound(request, response);
      sink.handle(request, response);
    });
    // The server never listens itself; this starts its watch over slow clients.
    server.emit('listening');
    return server;
  }

  #endAfter(answer: http.ServerResponse): void {
    answer.shouldKeepAlive = false;
    answer.once('close', () => setImmediate(() => this.#http1?.closeIdleConnections()));
  }

  #createHttp2(sink: RequestSink): http2.Http2Server {
    const limits = this.#limits;
    const server = http2.createServer({
      maxSessionMemory: limits.http2SessionMemoryMib,
      maxHeaderListPairs: limits.headerCount + 4,
      maxSettings: 32,
      maxSessionInvalidFrames: 100,
      settings: {
        maxConcurrentStreams: limits.http2Streams,
        maxHeaderListSize: limits.headerBytes,
        enablePush: false,
      },
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      closeWhenIdle(session, limits.http2IdleTimeoutMs, this.#clock);
      if (this.draining.aborted) session.close();
    });
    server.on('sessionError', (_error, session) => session.destroy());
    server.on('request', (request, response) => {
      this.#bound(request, response);
      sink.handle(request, response);
    });
    return server;
  }

  #bound(...[request, response]: Parameters<RequestSink['handle']>): void {
    const bounds = { timeoutMs: this.#limits.requestTimeoutMs, clock: this.#clock };
    boundRequestBody(request, response, bounds);
  }

  #settleIfEmpty(): void {
    if (this.draining.aborted && this.#sockets.size === 0) this.#empty.resolve();
  }
}

/** Often enough that a slow client is found out within a quarter of its time more. */
function checkEveryMs(limits: EdgeLimits): number {
  const shortestMs = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
  return Math.max(20, Math.min(5000, Math.floor(shortestMs / 4)));
}
