/** `GET /connections`: all of them, by name. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { connectionToJson } from './connection-to-json.ts';

export function registerListConnections(
  app: FastifyInstance,
  { connections, clock }: MigrationParts,
): void {
  app.get('/connections', async () => {
    const all = await connections.list();
    const timestamp = toIsoTime(clock.nowMs());
    return { connections: all.map(connectionToJson), total: all.length, timestamp };
  });
}
