import type { Clock } from '#kernel/clock.ts';
import type { Webhooks } from '#webhooks/open-webhooks.ts';

export interface WebhookRoutesParts {
  readonly webhooks: Pick<Webhooks, 'service' | 'sender'>;
  readonly clock: Clock;
}
