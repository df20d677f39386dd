/** `WS /ws`: jobs and schedules as they change. */
import type { FastifyInstance } from 'fastify';
import { registerLiveRoute } from '#surfaces/edge/live-route.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { LiveFeed } from './live-feed.ts';

/** Nothing that a client says is of interest. */
const MOST_RECEIVED_BYTES = 4096;

export function registerSocket(app: FastifyInstance, parts: MigrationParts): void {
  const feed = new LiveFeed(parts);
  registerLiveRoute(app, {
    ...{ path: '/ws', access: parts.access, mostReceivedBytes: MOST_RECEIVED_BYTES },
    assertMayJoin: () => feed.assertRoom(),
    join: (socket) => feed.join(socket),
    end: () => feed.end(),
  });
}
