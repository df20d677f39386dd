/** Who is told what happens here. */
import { defineView } from '#web/app/view.ts';
import { WEBHOOKS } from '#web/text/webhooks.ts';

export const webhooksView = defineView({
  path: '/alerts/webhooks',
  title: WEBHOOKS.title,
  icon: 'webhook',
  search: { q: '', sort: 'url', deliveries: '', ask: '', of: '' },
  load: async () => (await import('./WebhooksPage.tsx')).WebhooksPage,
  palette: async (session) => await (await import('./webhook-entries.ts')).webhookEntries(session),
});
