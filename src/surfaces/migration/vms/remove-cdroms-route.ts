/** `POST /vms/remove-cdrom`: takes the CD-ROM drives away. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { askSource } from './ask-source.ts';
import { parseVmRequest } from './parse-vm-request.ts';

export function registerRemoveCdroms(
  app: FastifyInstance,
  { sources, clock }: MigrationParts,
): void {
  app.post('/vms/remove-cdrom', async ({ body }, reply) => {
    const { from, path } = parseVmRequest(body);
    const signal = callerSignal(reply);
    const removed = await askSource(sources, from, signal, async (source) => {
      const { ref } = await source.findVm(path, signal);
      return await source.removeCdroms(ref, signal);
    });
    return {
      message: 'CD-ROM devices removed',
      removed,
      success: true,
      timestamp: toIsoTime(clock.nowMs()),
    };
  });
}
