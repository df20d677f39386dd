/** What fires, for the command palette; who may also keeps it quiet from there, or adds a rule. */
import { alertKey, serverOfAlert, type Alert, type AlertPage } from '#web/api/alerts.ts';
import { getJson } from '#web/api/http.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { ALERTS } from '#web/text/alerts.ts';
import { isLoud } from './silences.ts';
import { alertsView } from './view.ts';

const MOST = 200;

export async function alertEntries(session: SignedIn): Promise<readonly PaletteEntry[]> {
  const { may_change: mayChange, kind } = session;
  const query = { page_size: MOST };
  const { alerts } = await getJson<AlertPage>('/api/v1/alerts', { query });
  const add: PaletteEntry = {
    ...{ id: 'rule:new', title: ALERTS.newRule, hint: ALERTS.title, icon: 'plus' },
    target: { view: alertsView, search: { tab: 'rules', rule: 'new' } },
  };
  // As in the view: silences keep quiet what belongs to everybody.
  const loud = alerts.filter(isLoud);
  return [
    ...(mayChange ? [add] : []),
    ...alerts.map((alert) => ({
      ...factsOf(alert, alert.rule_name),
      target: { view: alertsView, search: { q: alert.rule_name } },
    })),
    ...(mayChange && kind === 'operator' ? loud : []).map((alert) => ({
      ...factsOf(alert, ALERTS.silence.of(alert.rule_name)),
      target: { view: alertsView, search: { silence: alertKey(alert) } },
    })),
  ];
}

function factsOf(alert: Alert, title: string) {
  const hint = serverOfAlert(alert) ?? ALERTS.title;
  const keywords = Object.values(alert.labels);
  return { id: `${title} ${alertKey(alert)}`, title, hint, keywords, icon: 'alert' } as const;
}
