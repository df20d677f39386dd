/** What is known of the servers, and whether their sources answer when they are asked now. */
import type { FastifyInstance } from 'fastify';
import { assertMayChange, assertOperator } from '#access/principal.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { serverToJson, testToJson } from './server-to-json.ts';
import type { ServerParams, ServerRoutesParts } from './server-routes-parts.ts';

export function registerServerReads(app: FastifyInstance, { servers }: ServerRoutesParts): void {
  app.get('/api/v1/servers', async (request) => {
    assertOperator(principalOf(request));
    return { servers: (await servers.list()).map(serverToJson) };
  });
  app.get<ServerParams>('/api/v1/servers/:id', async (request) => {
    assertOperator(principalOf(request));
    return serverToJson(await servers.get(request.params.id));
  });
  app.post<ServerParams>('/api/v1/servers/:id/test', async (request, reply) => {
    const principal = principalOf(request);
    assertOperator(principal);
    assertMayChange(principal);
    const tests = await servers.test(request.params.id, callerSignal(reply));
    const works = tests.every(({ error }) => error === undefined);
    return { id: request.params.id, works, sources: tests.map(testToJson) };
  });
}
