/** A path on which clients follow a feed over a WebSocket. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Principal } from '#access/principal.ts';
import { HttpRefusal } from './http-errors.ts';
import { encodeTexts, type LiveBatch } from './live-batch.ts';
import type { LiveEvent, LiveSocket } from './live-client.ts';
import { admitCaller, chooseProtocol, type SocketAccess } from './socket-caller.ts';
import type { UpgradeRequest } from './upgrades.ts';

export interface LiveRoute {
  readonly path: string;
  readonly access: SocketAccess;
  /** The longest message of a client that is read; a longer one ends its connection. */
  readonly mostReceivedBytes: number;
  /** Before the handshake: throws what is to be answered instead. */
  readonly assertMayJoin: (raw: IncomingMessage) => void;
  readonly join: (socket: LiveSocket, raw: IncomingMessage) => void;
  /** The server is going down. */
  readonly end: () => void;
}

export function registerLiveRoute(app: FastifyInstance, route: LiveRoute): void {
  const { path, access } = route;
  let server: Promise<WebSocketServer> | undefined;
  app.draining.addEventListener('abort', () => route.end());
  app.upgrades.register({
    ...{ route: path, path },
    async handle(upgrade: UpgradeRequest) {
      const { raw, socket, start } = upgrade;
      upgrade.principal = await admitWhileOpen(upgrade, access);
      route.assertMayJoin(raw);
      server ??= openServer(route.mostReceivedBytes);
      const client = await shakeHands(await server, { raw, socket, start });
      if (client !== undefined) route.join(new FramedSocket(client, socket), raw);
    },
  });
  app.get(path, async ({ raw }, reply) => {
    // Over HTTP/2 there is no such header.
    if (raw.httpVersionMajor === 1) void reply.header('upgrade', 'websocket');
    throw new HttpRefusal(426, 'this path is a WebSocket; connect with ws://', 'UPGRADE_REQUIRED');
  });
}

/*
 * A connection is there for hours, and thousands of them are: whatever still listens to it keeps
 * its request in memory. So nothing of these two is left on it once they are through.
 */

async function admitWhileOpen(
  { raw, socket }: UpgradeRequest,
  access: SocketAccess,
): Promise<Principal> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  socket.once('close', leave);
  try {
    return await admitCaller(raw, access, gone.signal);
  } finally {
    socket.off('close', leave);
  }
}

/** Undefined when it closed meanwhile, or was refused. */
async function shakeHands(
  server: WebSocketServer,
  { raw, socket, start }: Pick<UpgradeRequest, 'raw' | 'socket' | 'start'>,
): Promise<WebSocket | undefined> {
  const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>();
  const leave = () => resolve(undefined);
  socket.once('close', leave);
  server.handleUpgrade(raw, socket, start, resolve);
  const client = await promise;
  socket.off('close', leave);
  return client;
}

/**
 * Writes whole frames past `ws`, which would make each anew for each client. What it writes itself
 * are whole frames too, at once, since there is no compression; and nothing follows a close.
 */
class FramedSocket implements LiveSocket {
  readonly #client: WebSocket;
  readonly #socket: Socket;

  constructor(client: WebSocket, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
  }

  get bufferedAmount(): number {
    return this.#client.bufferedAmount;
  }

  send(text: string): void {
    this.#write(encodeTexts([text]));
  }

  sendAll({ bytes }: LiveBatch): void {
    this.#write(bytes);
  }

  ping(): void {
    this.#client.ping();
  }

  close(code: number, reason: string): void {
    this.#client.close(code, reason);
  }

  terminate(): void {
    this.#client.terminate();
  }

  on(event: LiveEvent, call: (data: unknown) => void): void {
    this.#client.on(event, call);
  }

  #write(bytes: Buffer): void {
    if (this.#client.readyState === this.#client.OPEN) this.#socket.write(bytes);
  }
}

/** Loaded with the first client: most processes never have one. */
async function openServer(maxPayload: number): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws');
  return new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload },
    handleProtocols: chooseProtocol,
  });
}
