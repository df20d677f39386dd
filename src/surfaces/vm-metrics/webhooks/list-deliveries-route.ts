/** `GET /api/v1/webhooks/{id}/deliveries?state=…&page_size=…&page_token=…`, the newest first. */
import type { FastifyInstance } from 'fastify';
import { invalidArgument } from '#kernel/errors.ts';
import { createPageToken, parsePageSize, parsePageToken } from '#surfaces/edge/paging.ts';
import { DELIVERY_STATES, type DeliveryState } from '#webhooks/delivery.ts';
import { messageIdOf } from '#webhooks/webhook.ts';
import { scopeOf, type WebhookParams } from './webhook-requests.ts';
import type { WebhookRoutesParts } from './webhook-routes-parts.ts';
import { deliveryToWire } from './webhook-to-wire.ts';

const PARAMETERS = ['state', 'page_size', 'page_token'];

export function registerListDeliveries(
  app: FastifyInstance,
  { webhooks: { service } }: WebhookRoutesParts,
): void {
  app.get<WebhookParams>('/api/v1/webhooks/:id/deliveries', async (request) => {
    const query = request.query as Record<string, unknown>;
    const unknown = Object.keys(query).find((name) => !PARAMETERS.includes(name));
    if (unknown !== undefined) {
      throw invalidArgument(unknown, `is not a parameter here; known: ${PARAMETERS.join(', ')}`);
    }
    const { id } = request.params;
    const states = parseStates(query['state']);
    const filter = `${id} ${states.join()}`;
    const limit = parsePageSize(query['page_size']);
    const beforeEventId = parseAfter(query['page_token'], filter);
    const page = { states, beforeEventId, limit: limit + 1 };
    const found = await service.listDeliveries(scopeOf(request), id, page);
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    return {
      deliveries: shown.map(deliveryToWire),
      next_page_token: last === undefined ? '' : tokenAfter(last, filter),
    };
  });
}

/** Deliveries are in the order of their events, so the id of the event is the place on the list. */
function tokenAfter(last: Parameters<typeof deliveryToWire>[0], filter: string): string {
  const id = messageIdOf(last.webhookId, last.eventId);
  return createPageToken({ createdAt: last.eventId, id }, filter);
}

function parseAfter(token: unknown, filter: string): number | undefined {
  const position = parsePageToken(token, filter);
  if (position === undefined) return undefined;
  if (position.kind === 'keyset') return position.createdAt;
  throw invalidArgument('page_token', 'must be a next_page_token exactly as it was answered');
}

function parseStates(value: unknown): readonly DeliveryState[] {
  if (value === undefined) return [];
  const words = typeof value === 'string' ? value.split(',') : [''];
  return words.map((word) => {
    const state = DELIVERY_STATES.find((known) => known === word);
    if (state !== undefined) return state;
    throw invalidArgument('state', `must be of ${DELIVERY_STATES.join(', ')}`);
  });
}
