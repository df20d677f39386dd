/** All servers at once, and whether this API itself is well. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { serve, type Text } from './answer.ts';
import type { FleetParts } from './fleet-parts.ts';
import { fleetSummaryToJson, writeOverview, writeServers } from './render/overview.ts';
import { fleetToLines } from './render/prometheus-lines.ts';

const SHORT_LETTERS = 16 * 1024;

export function registerOverview(app: FastifyInstance, parts: FleetParts): void {
  const { fleet, clock, version } = parts;
  const now = () => toIsoTime(clock.nowMs());
  const serveAll = (path: string, write: () => Text, isPublic = false) => {
    const render = () => ({ write, revision: fleet.revision });
    serve(app, parts, { path, render, isPublic });
  };
  const kept = (write: () => string) => keepNewest(write, () => fleet.revision);
  const toText = (toJson: () => object) => () => JSON.stringify(toJson());
  serveAll(
    '/api/servers/overview',
    kept(() => writeOverview(fleet)),
  );
  serveAll('/api/servers/summary', kept(toText(() => fleetSummaryToJson(fleet))));
  serveAll(
    '/api/servers',
    kept(() => writeServers(fleet)),
  );
  // These name the instant at which they were asked for.
  const metrics = () => ({ metrics: fleetToLines(fleet), timestamp: now() });
  serveAll('/api/metrics/prometheus', toText(metrics));
  const health = () => ({
    status: 'healthy',
    timestamp: now(),
    services: { api: 'healthy', prometheus: prometheusHealth(parts), websocket: 'healthy' },
    version,
  });
  // As any health is: whoever balances load has no token.
  serveAll('/api/health', toText(health), true);
}

/**
 * Written once for each revision, for everybody. As a text it goes out in one write with the head
 * of its answer, which takes a third less; a long one would be copied each time.
 */
function keepNewest(write: () => string, revisionNow: () => number): () => Text {
  let kept: { readonly revision: number; readonly body: Text } | undefined;
  return () => {
    const revision = revisionNow();
    if (kept?.revision !== revision) {
      const text = write();
      kept = { revision, body: text.length > SHORT_LETTERS ? Buffer.from(text) : text };
    }
    return kept.body;
  };
}

/**
 * Whether the Prometheus servers that are sources answer, each for one server at least: a server
 * that one of them does not know is no fault of its. With none there is nothing to say.
 */
function prometheusHealth({ fleet }: FleetParts): string {
  const all = fleet.list().flatMap(({ sources }) => sources);
  const asked = all.filter(({ kind }) => kind === 'prometheus');
  if (asked.length === 0) return 'not_configured';
  const answering = new Set(
    asked.flatMap(({ label, failures }) => (failures === 0 ? [label] : [])),
  );
  return asked.every(({ label }) => answering.has(label)) ? 'healthy' : 'unhealthy';
}
