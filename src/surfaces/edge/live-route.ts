/** A path on which clients follow a feed over a WebSocket. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { WebSocket, WebSocketServer } from 'ws';
import { HttpRefusal } from './http-errors.ts';
import { encodeTexts } from './live-batch.ts';
import type { LiveSocket } from './live-client.ts';
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
  const encode = createEncoder();
  app.draining.addEventListener('abort', () => route.end());
  app.upgrades.register({
    ...{ route: path, path },
    async handle(upgrade: UpgradeRequest) {
      const { raw, socket, start } = upgrade;
      const gone = new AbortController();
      socket.once('close', () => gone.abort());
      upgrade.principal = await admitCaller(raw, access, gone.signal);
      route.assertMayJoin(raw);
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once('close', resolve);
      server ??= openServer(route.mostReceivedBytes);
      (await server).handleUpgrade(raw, socket, start, (client) => {
        route.join(toLiveSocket(client, socket, encode), raw);
        resolve();
      });
      await promise;
    },
  });
  app.get(path, async ({ raw }, reply) => {
    // Over HTTP/2 there is no such header.
    if (raw.httpVersionMajor === 1) void reply.header('upgrade', 'websocket');
    throw new HttpRefusal(426, 'this path is a WebSocket; connect with ws://', 'UPGRADE_REQUIRED');
  });
}

type Encode = (text: string) => Buffer;

/** The same text for many clients in a row is put into bytes once. */
function createEncoder(): Encode {
  let last: { readonly text: string; readonly bytes: Buffer } = {
    text: '',
    bytes: encodeTexts(['']),
  };
  return (text) => {
    if (last.text !== text) last = { text, bytes: encodeTexts([text]) };
    return last.bytes;
  };
}

/**
 * Writes whole frames past `ws`, which would make each anew for each client. What it writes itself
 * are whole frames too, at once, since there is no compression; and nothing follows a close.
 */
function toLiveSocket(client: WebSocket, socket: Socket, encode: Encode): LiveSocket {
  const write = (bytes: Buffer) => {
    if (client.readyState === client.OPEN) socket.write(bytes);
  };
  return {
    get bufferedAmount() {
      return client.bufferedAmount;
    },
    send: (text) => write(encode(text)),
    sendAll: ({ bytes }) => write(bytes),
    ping: () => client.ping(),
    close: (code, reason) => client.close(code, reason),
    terminate: () => client.terminate(),
    on: (event, call) => client.on(event, call),
  };
}

/** Loaded with the first client: most processes never have one. */
async function openServer(maxPayload: number): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws');
  return new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload },
    handleProtocols: chooseProtocol,
  });
}
