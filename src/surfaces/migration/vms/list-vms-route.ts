/** `GET /vms/list`, and POST, which keeps a password out of the URL. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { askSource } from './ask-source.ts';
import { parseListRequest } from './parse-vm-request.ts';
import { summaryToJson } from './vm-to-json.ts';

export function registerListVms(app: FastifyInstance, { sources, clock }: MigrationParts): void {
  const answer = async (given: unknown, reply: FastifyReply) => {
    const { from, options } = parseListRequest(given);
    const signal = callerSignal(reply);
    const vms = await askSource(sources, from, signal, (source) => source.listVms(options, signal));
    const timestamp = toIsoTime(clock.nowMs());
    return { vms: vms.map(summaryToJson), total: vms.length, timestamp };
  };
  app.get('/vms/list', async ({ query }, reply) => await answer(query, reply));
  app.post('/vms/list', async ({ body }, reply) => await answer(body, reply));
}
