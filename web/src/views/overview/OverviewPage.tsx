/** What needs attention first, then how every server stands and what is at work. */
import { useAlerts } from '#web/api/alerts.ts';
import { useFleetLive, useServers, type ServerList as Servers } from '#web/api/fleet.ts';
import { useSession } from '#web/api/session.ts';
import type { ViewTarget } from '#web/app/view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Facts, type Fact } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { count, quantityToText, type Known } from '#web/format/numbers.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { alertsView } from '#web/views/alerts/view.ts';
import { machinesView } from '#web/views/machines/view.ts';
import { migrationsView } from '#web/views/migrations/view.ts';
import { AttentionList } from './AttentionList.tsx';
import { useMachineCount, useMigrationStatus } from './overview-queries.ts';
import { RunningJobs } from './RunningJobs.tsx';
import { ServerList } from './ServerList.tsx';

const NONE: Servers['servers'] = [];

export function OverviewPage() {
  const { data: session } = useSession();
  const isOperator = session?.authenticated === true && session.kind === 'operator';
  return (
    <>
      <PageHeader title={OVERVIEW.title} />
      {isOperator ? <Fleet /> : <OfCustomer />}
    </>
  );
}

function Fleet() {
  const live = useFleetLive();
  const servers = useServers({ live: live.kind === 'live' });
  return (
    <Loaded query={servers}>
      {({ servers: listed }) => (
        <>
          <FleetFacts servers={listed} />
          <AttentionList servers={listed} />
          <RunningJobs />
          <ServerList servers={listed} />
        </>
      )}
    </Loaded>
  );
}

/** Servers are the operator's: a customer has machines, and alerts of its own. */
function OfCustomer() {
  const { data } = useMachineCount();
  return (
    <>
      <Facts
        items={[[OVERVIEW.facts.machines, <Num key="machines" of={count(data?.total_count)} />]]}
      />
      <AttentionList servers={NONE} />
    </>
  );
}

function FleetFacts({ servers }: Servers) {
  const machines = useMachineCount();
  const alerts = useAlerts();
  const { data } = useMigrationStatus();
  const { facts } = OVERVIEW;
  const online = servers.filter(({ status }) => status !== 'offline').length;
  const firing = alerts.data?.alerts.filter(({ state }) => state === 'firing').length;
  const [up, all] = [count(online), count(servers.length)].map(quantityToText);
  return (
    <Facts
      isLarge
      items={[
        [
          facts.servers,
          <span key="servers" className="num">
            {OVERVIEW.of(up ?? '', all ?? '')}
          </span>,
        ],
        linked(facts.alerts, firing, { view: alertsView }),
        linked(facts.machines, machines.data?.total_count, { view: machinesView }),
        linked(facts.running, data?.running_jobs, ofState('running')),
        linked(facts.waiting, data?.pending_jobs, ofState('pending')),
        linked(facts.failed, data?.failed_jobs, ofState('failed')),
      ]}
    />
  );
}

function ofState(state: string): ViewTarget {
  return { view: migrationsView, search: { state } };
}

/** A number leads to what it counts. */
function linked(name: string, number: Known, { view, search = {} }: ViewTarget): Fact {
  const quantity = count(number);
  return [
    name,
    <ViewLink key={name} to={view} search={search} label={`${name}: ${quantity.value}`}>
      <Num of={quantity} />
    </ViewLink>,
  ];
}
