/** The standard gRPC health service over whatever knows how the services are. */
import type { ServiceImpl } from '@connectrpc/connect';
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  type Health,
} from '#gen/grpc/health/v1/health_pb.js';
import { untilAborted } from '#kernel/abort.ts';
import { DroverError } from '#kernel/errors.ts';

export type ServiceStatus = 'serving' | 'not_serving' | 'unknown';

/** How services are. The empty name stands for the server as a whole. */
export interface ServiceHealth {
  status(service: string): ServiceStatus | Promise<ServiceStatus>;
  /** Calls after anything may have changed, until disposed. */
  subscribe(onChange: () => void): Disposable;
}

const SERVING_STATUS: Record<ServiceStatus, ServingStatus> = {
  serving: ServingStatus.SERVING,
  not_serving: ServingStatus.NOT_SERVING,
  unknown: ServingStatus.SERVICE_UNKNOWN,
};

export function createHealthService(health: ServiceHealth): ServiceImpl<typeof Health> {
  return {
    async check({ service }) {
      const status = await health.status(service);
      if (status === 'unknown') throw serviceUnknown(service);
      return { status: SERVING_STATUS[status] };
    },
    async *watch({ service }, { signal }) {
      let changed = Promise.withResolvers<void>();
      using _subscription = health.subscribe(() => changed.resolve());
      let told: ServiceStatus | undefined;
      for (;;) {
        const status = await health.status(service);
        if (status !== told) {
          told = status;
          yield { status: SERVING_STATUS[status] };
        }
        await untilAborted(changed.promise, signal);
        changed = Promise.withResolvers<void>();
      }
    },
  };
}

function serviceUnknown(service: string): DroverError {
  const name = service.slice(0, 256);
  return new DroverError('not_found', `no service ${JSON.stringify(name)} is served here`, {
    reason: 'SERVICE_UNKNOWN',
    metadata: { service: name },
  });
}
