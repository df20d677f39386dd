/** `POST /connections`: keeps one, its password sealed. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { connectionToJson } from './connection-to-json.ts';
import { CONNECTION_FIELDS, parseConnection } from './parse-connection.ts';

export function registerCreateConnection(
  app: FastifyInstance,
  { connections, clock }: MigrationParts,
): void {
  app.post('/connections', async ({ body }, reply) => {
    const connection = await connections.create(parseConnection(body));
    const warnings = nearMisses(body, CONNECTION_FIELDS);
    void reply.code(201);
    return {
      message: 'connection created successfully',
      connection: connectionToJson(connection),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
