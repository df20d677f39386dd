/** Finding VMs in vSphere, and making them ready to be moved. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerListVms } from './list-vms-route.ts';
import { registerPowerOffVm } from './power-off-vm-route.ts';
import { registerRemoveCdroms } from './remove-cdroms-route.ts';
import { registerShutDownVm } from './shut-down-vm-route.ts';
import { registerVmInfo } from './vm-info-route.ts';

export function registerVmRoutes(app: FastifyInstance, parts: MigrationParts): void {
  registerListVms(app, parts);
  registerVmInfo(app, parts);
  registerShutDownVm(app, parts);
  registerPowerOffVm(app, parts);
  registerRemoveCdroms(app, parts);
}
