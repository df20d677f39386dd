/** A listener with the RPC services on it, answered by an implementation that a test can read. */
import type { ServiceImpl } from '@connectrpc/connect';
import { Authenticator } from '#access/authenticator.ts';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService as MetalVmService } from '#gen/metal/vmprovisioner/v1/vm_pb.js';
import { VmService, VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { systemClock } from '#kernel/clock.ts';
import { DroverError, ERROR_KINDS } from '#kernel/errors.ts';
import { openListener, type Listener } from '#surfaces/edge/listener.ts';
import { createLogger, type Logger } from '#surfaces/edge/logger.ts';
import { mountRpc } from '#surfaces/edge/rpc/mount-rpc.ts';
import { callerOf, createAuthenticationGate } from '#surfaces/edge/rpc/rpc-authentication.ts';
import { createRpcHandlers } from '#surfaces/edge/rpc/rpc-handlers.ts';
import type { ServiceHealth } from '#surfaces/edge/rpc/rpc-health.ts';

export interface TestRpcServerOptions {
  readonly vms?: Partial<ServiceImpl<typeof VmService>>;
  readonly machines?: Partial<ServiceImpl<typeof Machines>>;
  readonly health?: ServiceHealth;
  readonly maxRequestBytes?: number;
  /** Silent when left out. */
  readonly log?: Logger;
}

export const TEST_TOKEN = 'Bearer dev_customer_acme';

/** On a free port of loopback. Accepts development tokens. */
export async function openTestRpcServer(options: TestRpcServerOptions = {}): Promise<Listener> {
  const { vms = createEchoVms(), machines = {}, health, maxRequestBytes } = options;
  return openListener({
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    log: options.log ?? createLogger({ level: 'silent' }),
    build: (app) => {
      const handlers = createRpcHandlers({
        routes: (router) => {
          router.service(VmService, vms);
          router.service(MetalVmService, vms);
          router.service(Machines, machines);
        },
        gate: createAuthenticationGate(new Authenticator({ devMode: true })),
        draining: app.draining,
        ...(health !== undefined && { health }),
        ...(maxRequestBytes !== undefined && { maxRequestBytes }),
      });
      mountRpc(app, handlers);
    },
  });
}

/** Hands back what it is given; booting a machine named for an error kind fails in that way. */
export function createEchoVms(): Partial<ServiceImpl<typeof VmService>> {
  return {
    createVm: ({ vmId }) => ({ vmId, state: VmState.CREATED }),
    getVmInfo: ({ vmId }, context) => {
      const caller = callerOf(context);
      const customerId = caller.kind === 'customer' ? caller.customerId : caller.name;
      return { vmId, customerId, state: VmState.RUNNING };
    },
    bootVm: ({ vmId }) => {
      const kind = ERROR_KINDS.find((each) => each === vmId);
      if (kind === undefined) throw new Error(`secret of ${vmId}`);
      throw new DroverError(kind, `this is ${kind}: 100 %, ünïcode`, {
        reason: 'TESTED',
        metadata: { vm_id: vmId },
        context: { secret: 'for the log' },
      });
    },
  };
}
