/** Who is told of what happens to jobs and schedules. */
import type { FastifyInstance } from 'fastify';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { registerAddWebhook } from './add-webhook-route.ts';
import { registerGetWebhook } from './get-webhook-route.ts';
import { registerListWebhooks } from './list-webhooks-route.ts';
import { registerRemoveWebhook } from './remove-webhook-route.ts';
import { registerTestRegistered } from './test-registered-route.ts';
import { registerTestWebhook } from './test-webhook-route.ts';

export function registerWebhookRoutes(app: FastifyInstance, parts: MigrationParts): void {
  registerListWebhooks(app, parts);
  registerGetWebhook(app, parts);
  registerAddWebhook(app, parts);
  registerRemoveWebhook(app, parts);
  registerTestWebhook(app, parts);
  registerTestRegistered(app, parts);
}
