/** What fires, the rules, and what is silenced. */
import type { ReactNode } from 'react';
import { useAlerts } from '#web/api/alerts.ts';
import { useMayChange, useSession } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { ALERTS } from '#web/text/alerts.ts';
import { AlertTable } from './AlertTable.tsx';
import { AskedSilence } from './AskedSilence.tsx';
import { RuleDialog } from './RuleDialog.tsx';
import { RuleTable } from './RuleTable.tsx';
import { useRules } from './rules.ts';
import { useSilences } from './silences.ts';
import { SilenceTable } from './SilenceTable.tsx';
import { alertsView } from './view.ts';

/** In place of the id of a rule. */
const NEW = 'new';
const TABS = ['alerts', 'rules', 'silences'] as const;

export function AlertsPage(): ReactNode {
  const [search, setSearch] = useViewSearch(alertsView);
  const alerts = useAlerts();
  const rules = useRules();
  const mayChange = useMayChange();
  const tab = TABS.find((each) => each === search.tab) ?? 'alerts';
  const { data: session } = useSession();
  const isOperator = session?.authenticated === true && session.kind === 'operator';
  const silences = useSilences(isOperator);
  const edited = rules.data?.rules.find(({ id }) => id === search.rule);
  return (
    <>
      <PageHeader
        title={ALERTS.title}
        actions={
          mayChange && (
            <Button icon="plus" onClick={() => setSearch({ tab: 'rules', rule: NEW })}>
              {ALERTS.newRule}
            </Button>
          )
        }
      />
      <Tabs
        label={ALERTS.tabs.label}
        tabs={[
          { id: 'alerts', title: ALERTS.tabs.alerts, ...countOf(alerts.data?.alerts) },
          { id: 'rules', title: ALERTS.tabs.rules, ...countOf(rules.data?.rules) },
          ...(isOperator ? [silencesTab(silences.data?.silences)] : []),
        ]}
        chosen={tab}
        onChoose={(id) => setSearch({ tab: id, q: '', sort: '' })}
      >
        {tab === 'rules' && (
          <Loaded query={rules}>{(data) => <RuleTable rules={data.rules} />}</Loaded>
        )}
        {tab === 'alerts' && (
          <Loaded query={alerts}>{(data) => <AlertTable alerts={data.alerts} />}</Loaded>
        )}
        {tab === 'silences' && (
          <Loaded query={silences}>{(data) => <SilenceTable silences={data.silences} />}</Loaded>
        )}
      </Tabs>
      {mayChange && isOperator && tab === 'alerts' && alerts.data !== undefined && (
        <AskedSilence alerts={alerts.data.alerts} />
      )}
      {mayChange && (search.rule === NEW || edited !== undefined) && (
        <RuleDialog key={search.rule} rule={edited} onClose={() => setSearch({ rule: '' })} />
      )}
    </>
  );
}

function silencesTab(list: readonly unknown[] | undefined) {
  return { id: 'silences', title: ALERTS.tabs.silences, ...countOf(list) } as const;
}

/** Left out while it is not known. */
function countOf(list: readonly unknown[] | undefined): { readonly count?: number } {
  return list === undefined ? {} : { count: list.length };
}
