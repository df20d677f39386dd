/**
 * The webhooks of jobs and schedules that the configuration names. They are made to fit at the
 * start: one that is gone from there is removed, one that stays keeps its place in the events.
 */
import { createHash } from 'node:crypto';
import { DroverError, invalidArgument, toDroverError } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';
import { CONFIGURED_SCOPE } from '#surfaces/migration/webhooks/find-webhook.ts';
import { parseWebhook, WEBHOOK_FIELDS } from '#surfaces/migration/webhooks/parse-webhook.ts';
import type { Webhooks } from '#webhooks/open-webhooks.ts';
import type { WebhookSender } from '#webhooks/webhook-sender.ts';
import type { Registration } from '#webhooks/webhook-service.ts';
import { isWebhookId, type WebhookId } from '#webhooks/webhook.ts';
import type { Entries } from './config-entries.ts';
import { resolveSecret } from './config-secret.ts';

export interface ConfiguredMigrationWebhooks {
  readonly entries: Entries;
  /** What an entry may refer to instead of holding it; see `Secrets`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly webhooks: Pick<Webhooks, 'service'> & {
    readonly sender: Pick<WebhookSender, 'refusalOf'>;
  };
}

const SETTING = 'migration.webhooks';
const MOST = 50;
const ID_DIGITS = 16;
const FIELDS = Object.keys(WEBHOOK_FIELDS).filter((name) => name !== 'event');

export async function fitConfiguredWebhooks(options: ConfiguredMigrationWebhooks): Promise<void> {
  const { service } = options.webhooks;
  const wanted = await readWanted(options);
  for (const { id, isEnabled } of await service.list(CONFIGURED_SCOPE)) {
    const registration = wanted.get(id);
    wanted.delete(id);
    if (registration === undefined) {
      await service.remove(CONFIGURED_SCOPE, id);
      continue;
    }
    const { url: _same, isEnabled: isWanted, ...others } = registration;
    // Only a true change of it lets what failed begin anew.
    const enabling = isWanted === isEnabled ? {} : { isEnabled: isWanted };
    await service.change(CONFIGURED_SCOPE, id, { ...others, ...enabling });
  }
  for (const [id, registration] of wanted) {
    try {
      await service.register(CONFIGURED_SCOPE, registration, id);
    } catch (thrown) {
      // Another process of the same database started at this moment, and was quicker.
      if (toDroverError(thrown).kind !== 'already_exists') throw thrown;
    }
  }
}

async function readWanted(options: ConfiguredMigrationWebhooks) {
  const { entries, webhooks } = options;
  if (entries.length > MOST) throw invalidArgument(SETTING, `must be at most ${MOST} webhooks`);
  const wanted = new Map<WebhookId, Registration>();
  for (const [at, entry] of entries.entries()) {
    const field = `${SETTING}[${at}]`;
    const registration = parseEntry(await resolveSecrets(entry, field, options), field, webhooks);
    let turn = 0;
    while (wanted.has(webhookIdOf(registration.url, turn))) turn += 1;
    wanted.set(webhookIdOf(registration.url, turn), registration);
  }
  return wanted;
}

/** The same at every start and in every process, so that each is registered once. */
function webhookIdOf(url: string, turn: number): WebhookId {
  const digest = createHash('sha256').update(`${SETTING} ${turn} ${url}`).digest('hex');
  const id = `webhook_${digest.slice(0, ID_DIGITS)}`;
  if (isWebhookId(id)) return id;
  throw new DroverError('internal', `${id} is no id of a webhook`);
}

function parseEntry(
  entry: Entries[number],
  field: string,
  { sender }: ConfiguredMigrationWebhooks['webhooks'],
): Registration {
  const unknown = Object.keys(entry).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw invalidArgument(`${field}.${unknown}`, `is not known here${didYouMean(unknown, FIELDS)}`);
  }
  try {
    return parseWebhook(entry, sender);
  } catch (thrown) {
    throw invalidArgument(field, toDroverError(thrown).message);
  }
}

/** Instead of a secret there can be `{file: PATH}` or `{env: NAME}`, which is read here. */
async function resolveSecrets(
  entry: Entries[number],
  field: string,
  { variables }: Pick<ConfiguredMigrationWebhooks, 'variables'>,
): Promise<Entries[number]> {
  const secret = await resolveSecret(entry['secret'], `${field}.secret`, variables);
  const { headers } = entry;
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    return { ...entry, secret };
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    resolved[name] = await resolveSecret(value, `${field}.headers.${name}`, variables);
  }
  return { ...entry, secret, headers: resolved };
}
