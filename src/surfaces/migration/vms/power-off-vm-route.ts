/** `POST /vms/poweroff`: switches it off, and answers when it is off. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { askSource } from './ask-source.ts';
import { parseVmRequest } from './parse-vm-request.ts';

export function registerPowerOffVm(app: FastifyInstance, { sources, clock }: MigrationParts): void {
  app.post('/vms/poweroff', async ({ body }, reply) => {
    const { from, path } = parseVmRequest(body);
    const signal = callerSignal(reply);
    await askSource(sources, from, signal, async (source) => {
      const { ref } = await source.findVm(path, signal);
      await source.powerOff(ref, signal);
    });
    return { message: 'VM powered off', success: true, timestamp: toIsoTime(clock.nowMs()) };
  });
}
