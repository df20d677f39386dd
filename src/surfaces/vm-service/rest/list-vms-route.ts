/** `GET /v1/vms?state=…&page_size=…&page_token=…`: the answer of ListVms. */
import { create } from '@bufbuild/protobuf';
import type { FastifyInstance } from 'fastify';
import { ListVmsResponseSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import { MACHINE_STATES, type MachineState } from '#machines/machine.ts';
import { quote } from '#machines/machine-rules.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { createJsonWriter } from '#surfaces/edge/rpc/json-writer.ts';
import { listPage } from '#surfaces/vm-service/render/list-page.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';

const writeAnswer = createJsonWriter(ListVmsResponseSchema);
const PARAMETERS = ['state', 'page_size', 'page_token'];

export function registerListVms(app: FastifyInstance, parts: VmServiceParts): void {
  app.get('/v1/vms', async (request, reply) => {
    const query = request.query as Record<string, string | string[] | undefined>;
    const unknown = Object.keys(query).find((name) => !PARAMETERS.includes(name));
    if (unknown !== undefined) {
      throw invalidArgument(unknown, `is not a parameter here; known: ${PARAMETERS.join(', ')}`);
    }
    const page = await listPage(parts, principalOf(request), {
      states: parseStates(query['state']),
      pageSize: query['page_size'],
      pageToken: query['page_token'],
    });
    void reply.type('application/json');
    return writeAnswer(create(ListVmsResponseSchema, page));
  });
}

/** Repeated or separated by commas, in the API's words or short: `VM_STATE_RUNNING`, `running`. */
function parseStates(given: string | string[] | undefined): readonly MachineState[] {
  const words = [given ?? []].flat().flatMap((text) => text.split(','));
  return words.map((word) => {
    const short = word.toLowerCase().replace(/^vm_state_/, '');
    const state = MACHINE_STATES.find((name) => name === short);
    if (state !== undefined) return state;
    const known = MACHINE_STATES.map((name) => `VM_STATE_${name.toUpperCase()}`).join(', ');
    throw invalidArgument('state', `must be one of ${known}, got ${quote(word)}`);
  });
}
