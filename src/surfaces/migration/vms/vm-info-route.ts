/** `GET /vms/info`, and POST: all that is known of one VM. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { askSource } from './ask-source.ts';
import { parseVmRequest } from './parse-vm-request.ts';
import { summaryToJson, vmToJson } from './vm-to-json.ts';

export function registerVmInfo(app: FastifyInstance, { sources, clock }: MigrationParts): void {
  const answer = async (given: unknown, reply: FastifyReply) => {
    const { from, path } = parseVmRequest(given, { takesFiles: true });
    const signal = callerSignal(reply);
    const vm = await askSource(sources, from, signal, (source) => source.findVm(path, signal));
    const timestamp = toIsoTime(clock.nowMs());
    // Clients of the original program look for it under a name.
    return { ...vmToJson(vm), success: true, vm_info: summaryToJson(vm), timestamp };
  };
  app.get('/vms/info', async ({ query }, reply) => await answer(query, reply));
  app.post('/vms/info', async ({ body }, reply) => await answer(body, reply));
}
