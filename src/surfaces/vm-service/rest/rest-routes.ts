import type { FastifyInstance } from 'fastify';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { registerAbilities } from '#surfaces/vm-service/disks/abilities-route.ts';
import { registerDisks } from '#surfaces/vm-service/disks/disk-routes.ts';
import { registerGetVm } from './get-vm-route.ts';
import { registerListImages } from './list-images-route.ts';
import { registerListVms } from './list-vms-route.ts';
import { registerSchemas } from './schema-routes.ts';

export function registerRestRoutes(
  app: FastifyInstance,
  parts: VmServiceParts,
  version: string,
): void {
  registerListVms(app, parts);
  registerGetVm(app, parts);
  registerListImages(app, parts);
  registerDisks(app, parts);
  registerAbilities(app, parts, version);
  registerSchemas(app, version);
}
