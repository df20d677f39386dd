/** `GET /capabilities`: what this installation can do, and why not what it cannot. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';

export function registerCapabilities(app: FastifyInstance, parts: MigrationParts): void {
  app.get('/capabilities', async (_request, reply) => ({
    ...(await parts.capabilities(callerSignal(reply))),
    timestamp: toIsoTime(parts.clock.nowMs()),
  }));
}
