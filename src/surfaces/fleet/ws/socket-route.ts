/** `WS /ws/metrics`: servers as they change. */
import type { FastifyInstance } from 'fastify';
import { MIB } from '#kernel/units.ts';
import { registerLiveRoute } from '#surfaces/edge/live-route.ts';
import type { FleetParts } from '#surfaces/fleet/fleet-parts.ts';
import { FleetFeed } from './fleet-feed.ts';

/** Enough for a wish for as many servers as one may wish for. */
const MOST_RECEIVED_BYTES = MIB / 32;

export function registerSocket(app: FastifyInstance, parts: FleetParts): void {
  const feed = new FleetFeed(parts);
  registerLiveRoute(app, {
    ...{ path: '/ws/metrics', access: parts.access, mostReceivedBytes: MOST_RECEIVED_BYTES },
    assertMayJoin: (raw) => feed.assertMayJoin(raw),
    join: (socket, raw) => feed.join(socket, raw),
    end: () => feed.end(),
  });
}
