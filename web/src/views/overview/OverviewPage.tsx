/** What needs attention first, then how every server stands and what is at work. */
import { useAlerts } from '#web/api/alerts.ts';
import { useFleetLive, useServers, type ServerList as Servers } from '#web/api/fleet.ts';
import { useSession } from '#web/api/session.ts';
import { Facts } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { count, quantityToText } from '#web/format/numbers.ts';
import { OVERVIEW } from '#web/text/overview.ts';
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
        [facts.alerts, <Num key="alerts" of={count(firing)} />],
        [facts.machines, <Num key="machines" of={count(machines.data?.total_count)} />],
        [facts.running, <Num key="running" of={count(data?.running_jobs)} />],
        [facts.waiting, <Num key="waiting" of={count(data?.pending_jobs)} />],
        [facts.failed, <Num key="failed" of={count(data?.failed_jobs)} />],
      ]}
    />
  );
}
