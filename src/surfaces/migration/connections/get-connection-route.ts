/** `GET /connections/{name}`: one of them. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { connectionToJson, type ConnectionParams } from './connection-to-json.ts';

export function registerGetConnection(app: FastifyInstance, { connections }: MigrationParts): void {
  app.get<ConnectionParams>('/connections/:name', async ({ params }) =>
    connectionToJson(await connections.get(params.name)),
  );
}
