/** Webhooks of this API are called by where they stand in the list, or by an id that stays. */
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { isWebhookId, type Webhook } from '#webhooks/webhook.ts';
import type { WebhookScope, WebhookService } from '#webhooks/webhook-service.ts';
import { configuredFormat, MIGRATION_FORMAT } from './migration-format.ts';

/** They are the operators', and all of them see all. */
export const WEBHOOK_SCOPE: WebhookScope = { format: MIGRATION_FORMAT, customerId: undefined };

/** Those of the configuration: they are listed and tried out with the others, but stay. */
export const CONFIGURED_SCOPE: WebhookScope = {
  format: configuredFormat.name,
  customerId: undefined,
};

export interface WebhookParams {
  readonly Params: { readonly index: string };
}

export interface PlacedWebhook {
  readonly webhook: Webhook;
  readonly index: number;
  readonly scope: WebhookScope;
}

/** Those of the configuration come first. */
export async function listWebhooks(
  service: Pick<WebhookService, 'list'>,
): Promise<readonly PlacedWebhook[]> {
  const scopes = [CONFIGURED_SCOPE, WEBHOOK_SCOPE];
  const lists = await Promise.all(scopes.map((scope) => service.list(scope)));
  return lists
    .flatMap((webhooks, at) =>
      webhooks.map((webhook) => ({ webhook, scope: scopes[at] ?? WEBHOOK_SCOPE })),
    )
    .map((found, index) => ({ ...found, index }));
}

export function isConfigured({ format }: Pick<Webhook, 'format'>): boolean {
  return format === CONFIGURED_SCOPE.format;
}

export async function findWebhook(
  service: Pick<WebhookService, 'list'>,
  text: string,
): Promise<PlacedWebhook> {
  const isId = isWebhookId(text);
  if (!isId && !/^-?\d{1,9}$/.test(text)) {
    throw invalidArgument('index', 'must be the index of a webhook, or its id');
  }
  const placed = await listWebhooks(service);
  const found = placed.find(({ webhook, index }) =>
    isId ? webhook.id === text : index === Number(text),
  );
  if (found !== undefined) return found;
  const problem = isId
    ? `there is no webhook ${text}`
    : `webhook index out of range: there are ${placed.length}, and the first is 0`;
  throw new DroverError('not_found', problem, { reason: 'WEBHOOK_NOT_FOUND' });
}
