/** `DELETE /connections/{name}`: jobs that name it cannot run any more. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import type { ConnectionParams } from './connection-to-json.ts';

export function registerRemoveConnection(
  app: FastifyInstance,
  { connections, clock }: MigrationParts,
): void {
  app.delete<ConnectionParams>('/connections/:name', async ({ params }) => {
    await connections.remove(params.name);
    return { message: 'connection deleted successfully', timestamp: toIsoTime(clock.nowMs()) };
  });
}
