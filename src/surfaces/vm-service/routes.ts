/** This surface's services on a router: the documented one under both its names, and ours. */
import type { ServiceImpl } from '@connectrpc/connect';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService as MetalVmService } from '#gen/metal/vmprovisioner/v1/vm_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { RpcRouter } from '#surfaces/edge/rpc/rpc-handlers.ts';
import { bootVm } from './methods/boot-vm.ts';
import { console } from './methods/console.ts';
import { createVm } from './methods/create-vm.ts';
import { deleteVm } from './methods/delete-vm.ts';
import { getQuota } from './methods/get-quota.ts';
import { getVmInfo } from './methods/get-vm-info.ts';
import { listVms } from './methods/list-vms.ts';
import { pauseVm } from './methods/pause-vm.ts';
import { rebootVm } from './methods/reboot-vm.ts';
import { resumeVm } from './methods/resume-vm.ts';
import { setQuota } from './methods/set-quota.ts';
import { shutdownVm } from './methods/shutdown-vm.ts';
import { watch } from './methods/watch.ts';
import type { VmServiceParts } from './vm-service-parts.ts';

export function vmServiceRoutes(parts: VmServiceParts): (router: RpcRouter) => void {
  const { metrics } = parts;
  const vmService = {
    createVm: metrics.command('create', createVm(parts)),
    deleteVm: metrics.command('delete', deleteVm(parts)),
    bootVm: metrics.command('boot', bootVm(parts)),
    shutdownVm: metrics.command('shutdown', shutdownVm(parts)),
    pauseVm: metrics.command('pause', pauseVm(parts)),
    resumeVm: metrics.command('resume', resumeVm(parts)),
    rebootVm: metrics.command('reboot', rebootVm(parts)),
    getVmInfo: metrics.read('info', getVmInfo(parts)),
    listVms: metrics.read('list', listVms(parts)),
  } satisfies ServiceImpl<typeof VmService>;
  const machines = {
    watch: watch(parts),
    console: console(parts),
    getQuota: getQuota(parts),
    setQuota: setQuota(parts),
  } satisfies ServiceImpl<typeof Machines>;
  return (router) => {
    router.service(VmService, vmService);
    router.service(MetalVmService, vmService);
    router.service(Machines, machines);
  };
}
