/** Seals what a subscription keeps secret, each part at a place of its own. */
import type { SecretBox } from '#kernel/secret-box.ts';
import type { Webhook, WebhookId, WebhookSettings } from './webhook.ts';

export interface WebhookSecrets {
  readonly secret: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

type SealedSecret = Pick<WebhookSettings, 'sealedSecret'>;
type SealedHeaders = Pick<WebhookSettings, 'sealedHeaders' | 'headerNames'>;

export function sealSecret(
  box: SecretBox,
  id: WebhookId,
  secret: string | undefined,
): SealedSecret {
  return { sealedSecret: secret === undefined ? undefined : box.seal(secret, secretPlace(id)) };
}

export function sealHeaders(
  box: SecretBox,
  id: WebhookId,
  headers: Readonly<Record<string, string>>,
): SealedHeaders {
  const headerNames = Object.keys(headers);
  const isEmpty = headerNames.length === 0;
  const sealed = isEmpty ? undefined : box.seal(JSON.stringify(headers), headersPlace(id));
  return { sealedHeaders: sealed, headerNames };
}

/** Throws when the key has changed: nothing is ever sent without the proof its owner asked for. */
export function openSecrets(
  box: SecretBox,
  webhook: Pick<Webhook, 'id' | 'sealedSecret' | 'sealedHeaders'>,
): WebhookSecrets {
  const { id, sealedSecret, sealedHeaders } = webhook;
  const headers = sealedHeaders === undefined ? '{}' : box.open(sealedHeaders, headersPlace(id));
  return {
    secret: sealedSecret === undefined ? undefined : box.open(sealedSecret, secretPlace(id)),
    headers: JSON.parse(headers) as Record<string, string>,
  };
}

function secretPlace(id: WebhookId): string {
  return `${id}/secret`;
}

function headersPlace(id: WebhookId): string {
  return `${id}/headers`;
}
