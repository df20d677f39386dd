/** Adds, changes and removes servers. What a change leaves out stays as it is. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertMayChange, assertOperator } from '#access/principal.ts';
import { parseServer, parseServerChanges } from '#fleet/parse-server.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { serverToJson } from './server-to-json.ts';
import type { ServerParams, ServerRoutesParts } from './server-routes-parts.ts';

export function registerServerChanges(app: FastifyInstance, { servers }: ServerRoutesParts): void {
  app.post('/api/v1/servers', async (request, reply) => {
    assertMayManage(request);
    const server = await servers.create(parseServer(request.body));
    void reply.code(201).header('location', `/api/v1/servers/${server.id}`);
    return serverToJson(server);
  });
  app.put<ServerParams>('/api/v1/servers/:id', async (request) => {
    assertMayManage(request);
    const changes = parseServerChanges(request.body);
    return serverToJson(await servers.change(request.params.id, changes));
  });
  app.delete<ServerParams>('/api/v1/servers/:id', async (request, reply) => {
    assertMayManage(request);
    await servers.remove(request.params.id);
    return await reply.code(204).send();
  });
}

function assertMayManage(request: FastifyRequest): void {
  const principal = principalOf(request);
  assertOperator(principal);
  assertMayChange(principal);
}
