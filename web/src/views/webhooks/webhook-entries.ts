/** Every webhook, and what can be done with it, for the command palette. */
import { queryKeys } from '#web/api/query-keys.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { runDeed } from '#web/app/run-deed.ts';
import { WEBHOOKS } from '#web/text/webhooks.ts';
import { keyOf, readWebhooks, testWebhook, type Webhook } from './webhook-queries.ts';
import { webhooksView } from './view.ts';

const { palette: words } = WEBHOOKS;

export async function webhookEntries(session: SignedIn): Promise<readonly PaletteEntry[]> {
  const { kind, may_change: mayChange } = session;
  const webhooks = await readWebhooks(kind === 'operator');
  const add: PaletteEntry = {
    ...{ id: 'webhook:new', title: WEBHOOKS.add, hint: WEBHOOKS.title, icon: 'plus' },
    target: { view: webhooksView, search: { ask: 'add' } },
  };
  return [
    ...(mayChange ? [add] : []),
    ...webhooks.map((webhook): PaletteEntry => ({
      ...factsOf(webhook, webhook.url),
      // Not by its address, which may hold what opens a door there.
      target: { view: webhooksView, search: { deliveries: keyOf(webhook) } },
    })),
    ...(mayChange ? webhooks.flatMap(deedsOf) : []),
  ];
}

function factsOf(webhook: Webhook, title: string) {
  const hint = WEBHOOKS.of[webhook.of];
  return { id: `${title} ${keyOf(webhook)}`, title, hint, icon: 'webhook' } as const;
}

function deedsOf(webhook: Webhook): readonly PaletteEntry[] {
  const { url, isConfigured } = webhook;
  const test = { ...factsOf(webhook, words.test(url)), run: () => void sendTest(webhook) };
  const remove: PaletteEntry = {
    ...factsOf(webhook, words.remove(url)),
    target: { view: webhooksView, search: { ask: 'remove', of: keyOf(webhook) } },
  };
  return isConfigured ? [test] : [test, remove];
}

async function sendTest(webhook: Webhook): Promise<void> {
  await runDeed({
    run: async () => {
      const { delivered, status, error } = await testWebhook(webhook);
      const why = error ?? (status === null ? '' : WEBHOOKS.test.http(status));
      const text = words[delivered ? 'taken' : 'refused'](webhook.url, why);
      return { kind: delivered ? 'ok' : 'error', text };
    },
    invalidates: [queryKeys.webhooks],
  });
}
