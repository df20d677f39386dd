/** `GET /sd/targets`: what Prometheus may scrape, for its HTTP service discovery. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { InstanceIdentity } from '#metrics/resource-snapshots.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';

export interface TargetGroup {
  /** `host:port` */
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface TargetsParts {
  readonly identity: InstanceIdentity;
  /** What else is known to be worth scraping. */
  readonly otherTargets?: (signal: AbortSignal) => Promise<readonly TargetGroup[]>;
}

const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,252})|\[[0-9a-fA-F:.]{2,45}\])(?::(\d{1,5}))?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

export function registerTargets(app: FastifyInstance, parts: TargetsParts): void {
  app.get('/sd/targets', async (request, reply) => {
    assertOperator(principalOf(request));
    const { instanceId, accountId } = parts.identity;
    const own: TargetGroup = {
      targets: [ownAddress(request)],
      labels: {
        __metrics_path__: '/metrics',
        __scheme__: request.protocol,
        instance: instanceId,
        instance_id: instanceId,
        ...(accountId !== undefined && { account_id: accountId }),
      },
    };
    const others = (await parts.otherTargets?.(request.signal)) ?? [];
    void reply.type('application/json; charset=utf-8').header('cache-control', 'no-store');
    return [own, ...others];
  });
}

/** As whoever asks has reached it: which of our addresses that is, only they know. */
function ownAddress(request: FastifyRequest): string {
  const { host, protocol } = request;
  const [, port] = HOST.exec(host) ?? ['', 'none'];
  if (port === 'none' || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) {
    throw invalidArgument('Host', 'must be the name or address this server is reached at');
  }
  return port === undefined ? `${host}:${DEFAULT_PORTS[protocol] ?? '80'}` : host;
}
