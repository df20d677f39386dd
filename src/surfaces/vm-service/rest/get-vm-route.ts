/** `GET /v1/vms/{id}`: the answer of GetVmInfo. */
import { create } from '@bufbuild/protobuf';
import type { FastifyInstance } from 'fastify';
import { GetVmInfoResponseSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { createJsonWriter } from '#surfaces/edge/rpc/json-writer.ts';
import { parseVmId } from '#surfaces/vm-service/methods/parse-vm-id.ts';
import { vmInfoToWire } from '#surfaces/vm-service/render/vm-info.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';

const writeAnswer = createJsonWriter(GetVmInfoResponseSchema);

export function registerGetVm(app: FastifyInstance, parts: VmServiceParts): void {
  app.get<{ Params: { id: string } }>('/v1/vms/:id', async (request, reply) => {
    const principal = principalOf(request);
    const machine = await parts.machines.get(principal, parseVmId(request.params.id, 'id'));
    const stats = await parts.machines.stats(machine, request.signal);
    void reply.type('application/json');
    const info = vmInfoToWire(parts, machine, { principal, stats });
    return writeAnswer(create(GetVmInfoResponseSchema, info));
  });
}
