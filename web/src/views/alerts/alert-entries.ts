/** What the command palette offers of alerts to who may change them: a new rule. */
import { queryClient } from '#web/api/query-client.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { Session } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { ALERTS } from '#web/text/alerts.ts';
import { alertsView } from './view.ts';

export function alertEntries(): readonly PaletteEntry[] {
  const session = queryClient.getQueryData<Session>(queryKeys.session);
  if (session?.authenticated !== true || !session.may_change) return [];
  return [
    {
      ...{ id: 'rule:new', title: ALERTS.newRule, hint: ALERTS.title, icon: 'plus' },
      target: { view: alertsView, search: { tab: 'rules', rule: 'new' } },
    },
  ];
}
