/** All servers at once, and whether this API itself is well. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { serve } from './answer.ts';
import type { FleetParts } from './fleet-parts.ts';
import { fleetSummaryToJson, listedToJson, overviewToJson } from './render/overview.ts';
import { fleetToLines } from './render/prometheus-lines.ts';

export function registerOverview(app: FastifyInstance, parts: FleetParts): void {
  const { fleet, clock, version } = parts;
  const now = () => toIsoTime(clock.nowMs());
  const serveAll = (path: string, body: () => object, isPublic = false) => {
    const render = () => ({ body: body(), revision: fleet.revision });
    serve(app, parts, { path, render, isPublic });
  };
  serveAll('/api/servers/overview', () => overviewToJson(fleet));
  serveAll('/api/servers/summary', () => fleetSummaryToJson(fleet));
  serveAll('/api/servers', () => ({ servers: fleet.list().map(listedToJson) }));
  serveAll('/api/metrics/prometheus', () => ({
    metrics: fleetToLines(fleet),
    timestamp: now(),
  }));
  const health = () => ({
    status: 'healthy',
    timestamp: now(),
    services: { api: 'healthy', prometheus: prometheusHealth(parts), websocket: 'healthy' },
    version,
  });
  // As any health is: whoever balances load has no token.
  serveAll('/api/health', health, true);
}

/** Whether the Prometheus servers that are sources answer; with none there is nothing to say. */
function prometheusHealth({ fleet }: FleetParts): string {
  const all = fleet.list().flatMap(({ sources }) => sources);
  const asked = all.filter(({ kind }) => kind === 'prometheus');
  if (asked.length === 0) return 'not_configured';
  return asked.every(({ error }) => error === undefined) ? 'healthy' : 'unhealthy';
}
