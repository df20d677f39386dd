/** Named ways to a vCenter, so that requests need hold no password. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerChangeConnection } from './change-connection-route.ts';
import { registerCreateConnection } from './create-connection-route.ts';
import { registerGetConnection } from './get-connection-route.ts';
import { registerListConnections } from './list-connections-route.ts';
import { registerRemoveConnection } from './remove-connection-route.ts';
import { registerTestConnection } from './test-connection-route.ts';

export function registerConnectionRoutes(app: FastifyInstance, parts: MigrationParts): void {
  registerChangeConnection(app, parts);
  registerCreateConnection(app, parts);
  registerGetConnection(app, parts);
  registerListConnections(app, parts);
  registerRemoveConnection(app, parts);
  registerTestConnection(app, parts);
}
