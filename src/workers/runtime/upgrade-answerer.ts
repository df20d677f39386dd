/**
 * A request for an upgrade to WebSocket:
 *
 *   request ▶ fetch ─┬▶ the response of context.upgradeWebSocket ▶ 101, then frames both ways
 *                    └▶ any other response ▶ as HTTP/1.1, and the end
 *
 * The app has its socket before the other side has the 101, and nothing is read from it until
 * `fetch` has returned: an app that first has to look something up misses no message.
 */
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { MIB } from '#kernel/units.ts';
import type { RequestHead } from '#workers/exchange.ts';
import { createContext, type AnswererParts } from './app-call.ts';
import type { UpgradedWebSocket } from './app-module.ts';
import { writeRawResponse } from './raw-response.ts';
import type { UpgradeSocket } from './upgrade-socket.ts';
import { IncomingRequest } from './web-request.ts';
import { AppResponse } from './web-response.ts';

const MOST_MESSAGE_BYTES = 16 * MIB;
const GOING_AWAY = 1001;
const NO_BYTES = Buffer.alloc(0);

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: MOST_MESSAGE_BYTES,
});

/** Resolves when the socket is closed. Rejects with what the app threw before it agreed. */
export async function answerUpgrade(
  parts: AnswererParts,
  head: RequestHead,
  socket: UpgradeSocket,
): Promise<void> {
  const { method, url, headers } = head;
  const request = IncomingRequest.create({ method, url, headers, body: undefined });
  const closed = once(socket, 'close');
  socket.once('close', () => IncomingRequest.abort(request));
  if (socket.destroyed) return;
  let upgraded: UpgradedWebSocket | undefined;
  const context = createContext(parts, head, (asked) => {
    if (asked !== request) throw new TypeError('upgradeWebSocket takes the request that came');
    if (upgraded !== undefined) throw new TypeError('this request was upgraded before');
    upgraded = accept(head, socket);
    return upgraded;
  });
  const response = await Promise.try(parts.app.module.fetch, request, context);
  if (upgraded === undefined) await writeRawResponse(socket, response);
  else if (response === upgraded.response) open(upgraded.socket, socket);
  else throw new TypeError('fetch must return the response that upgradeWebSocket gave');
  if (!socket.closed) await closed;
}

function accept(head: RequestHead, socket: UpgradeSocket): UpgradedWebSocket {
  let accepted: WebSocket | undefined;
  server.handleUpgrade(handshakeOf(head), socket, NO_BYTES, (webSocket) => {
    accepted = webSocket;
  });
  if (accepted === undefined) throw new TypeError('the request is no valid WebSocket handshake');
  accepted.binaryType = 'arraybuffer';
  // A client that breaks the protocol is disconnected by the library; it must not end the worker.
  accepted.on('error', () => undefined);
  // A server that drains ends its half: the client is told to come back, and not just cut off.
  socket.once('ending', () => accepted?.close(GOING_AWAY));
  accepted.pause();
  const response = new AppResponse(null);
  Object.defineProperty(response, 'status', { value: 101 });
  return { socket: accepted, response };
}

function open(webSocket: WebSocket, socket: UpgradeSocket): void {
  socket.uncork();
  webSocket.emit('open');
  webSocket.resume();
}

/** As the library expects it of node:http. */
function handshakeOf({ method, url, headers }: RequestHead): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  const { pathname, search } = new URL(url);
  message.method = method;
  message.url = `${pathname}${search}`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    message.headers[(headers[at] ?? '').toLowerCase()] = headers[at + 1];
  }
  return message;
}
