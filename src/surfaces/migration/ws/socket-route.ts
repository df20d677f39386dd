/** `WS /ws`: jobs and schedules as they change. */
import type { FastifyInstance } from 'fastify';
import type { WebSocketServer } from 'ws';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import type { UpgradeRequest } from '#surfaces/edge/upgrades.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { LiveFeed } from './live-feed.ts';
import { admitCaller, chooseProtocol } from './socket-caller.ts';

const PATH = '/ws';
/** Nothing that a client says is of interest. */
const MOST_RECEIVED_BYTES = 4096;

export function registerSocket(app: FastifyInstance, parts: MigrationParts): void {
  const feed = new LiveFeed(parts);
  let server: Promise<WebSocketServer> | undefined;
  app.draining.addEventListener('abort', () => feed.end());
  app.upgrades.register({
    route: PATH,
    path: PATH,
    async handle(upgrade: UpgradeRequest) {
      const { raw, socket, start } = upgrade;
      const gone = new AbortController();
      socket.once('close', () => gone.abort());
      upgrade.principal = await admitCaller(raw, parts.access, gone.signal);
      feed.assertRoom();
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once('close', resolve);
      (await (server ??= openServer())).handleUpgrade(raw, socket, start, (client) => {
        feed.join(client);
        resolve();
      });
      await promise;
    },
  });
  app.get(PATH, async ({ raw }, reply) => {
    // Over HTTP/2 there is no such header.
    if (raw.httpVersionMajor === 1) void reply.header('upgrade', 'websocket');
    throw new HttpRefusal(426, 'this path is a WebSocket; connect with ws://', 'UPGRADE_REQUIRED');
  });
}

/** Loaded with the first client: most processes never have one. */
async function openServer(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws');
  return new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
    maxPayload: MOST_RECEIVED_BYTES,
    handleProtocols: chooseProtocol,
  });
}
