/** `POST /connections/{name}/test`: logs in, looks around, and says what was there. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { answeringSource } from '#surfaces/migration/vms/ask-source.ts';
import type { ConnectionParams } from './connection-to-json.ts';

export function registerTestConnection(
  app: FastifyInstance,
  { connections, clock }: MigrationParts,
): void {
  app.post<ConnectionParams>('/connections/:name/test', async ({ params }, reply) => {
    const signal = callerSignal(reply);
    const test = () => connections.test(params.name, signal);
    const { product, vms, durationMs } = await answeringSource(test);
    return {
      message: 'connection works',
      success: true,
      product,
      // Null: the login works, and may not list them.
      vms: vms ?? null,
      duration_ms: durationMs,
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
