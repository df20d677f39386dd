/** `PUT /connections/{name}`: what is left out stays as it is. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { nearMisses } from '#surfaces/migration/near-misses.ts';
import { connectionToJson, type ConnectionParams } from './connection-to-json.ts';
import { CONNECTION_FIELDS, parseConnectionChanges } from './parse-connection.ts';

export function registerChangeConnection(
  app: FastifyInstance,
  { connections, clock }: MigrationParts,
): void {
  app.put<ConnectionParams>('/connections/:name', async ({ params, body }) => {
    const connection = await connections.change(params.name, parseConnectionChanges(body));
    const warnings = nearMisses(body, CONNECTION_FIELDS);
    return {
      message: 'connection updated successfully',
      connection: connectionToJson(connection),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
