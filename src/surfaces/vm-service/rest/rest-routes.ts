import type { FastifyInstance } from 'fastify';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { registerGetVm } from './get-vm-route.ts';
import { registerListVms } from './list-vms-route.ts';
import { registerSchemas } from './schema-routes.ts';

export function registerRestRoutes(
  app: FastifyInstance,
  parts: VmServiceParts,
  version: string,
): void {
  registerListVms(app, parts);
  registerGetVm(app, parts);
  registerSchemas(app, version);
}
