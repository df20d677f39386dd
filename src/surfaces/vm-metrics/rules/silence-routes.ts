/** `/api/v1/silences`: for operators, since a silence is of whatever matches. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertMayChange, assertOperator, principalToLogId } from '#access/principal.ts';
import { parseSilence } from '#metrics/thresholds/silence.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { RuleParams } from './rule-requests.ts';
import type { RuleRoutesParts } from './rule-routes-parts.ts';
import { silenceToWire } from './rule-to-wire.ts';

export function registerSilences(
  app: FastifyInstance,
  { thresholds: { silences }, clock }: RuleRoutesParts,
): void {
  app.get('/api/v1/silences', (request) => {
    assertOperator(principalOf(request));
    return { silences: silences.list().map(silenceToWire) };
  });
  app.post('/api/v1/silences', async (request, reply) => {
    const by = principalToLogId(changing(request));
    const silence = await silences.create(parseSilence(request.body, clock.nowMs()), by);
    void reply.code(201).header('location', `/api/v1/silences/${silence.id}`);
    return silenceToWire(silence);
  });
  app.delete<RuleParams>('/api/v1/silences/:id', async (request, reply) => {
    changing(request);
    await silences.remove(request.params.id);
    return await reply.code(204).send();
  });
}

function changing(request: FastifyRequest) {
  const principal = principalOf(request);
  assertOperator(principal);
  assertMayChange(principal);
  return principal;
}
