/** The pool in numbers, and below it apps or workers. */
import type { ReactNode } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { Facts } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { count, percent } from '#web/format/numbers.ts';
import { WORKERS } from '#web/text/workers.ts';
import { AppDetails } from './AppDetails.tsx';
import { AppTable } from './AppTable.tsx';
import { DeployDialog } from './DeployDialog.tsx';
import { workersView } from './view.ts';
import { useApps, usePool } from './worker-queries.ts';
import { WorkerTable } from './WorkerTable.tsx';
import './workers.css';

export function WorkersPage(): ReactNode {
  const [search, setSearch] = useViewSearch(workersView);
  const pool = usePool();
  const apps = useApps();
  const mayChange = useMayChange();
  const isWorkers = search.tab === 'workers';
  const chosen = apps.data?.apps.find(({ name }) => name === search.app);
  const living = pool.data?.pool.total;
  return (
    <>
      <PageHeader
        title={WORKERS.title}
        actions={
          mayChange && (
            <Button icon="plus" onClick={() => setSearch({ ask: 'deploy' })}>
              {WORKERS.deploy}
            </Button>
          )
        }
      />
      <PoolFacts />
      <Tabs
        label={WORKERS.tabs.label}
        tabs={[
          {
            ...{ id: 'apps', title: WORKERS.tabs.apps },
            ...(apps.data !== undefined && { count: apps.data.apps.length }),
          },
          {
            ...{ id: 'workers', title: WORKERS.tabs.workers },
            ...(living !== undefined && { count: living }),
          },
        ]}
        chosen={isWorkers ? 'workers' : 'apps'}
        onChoose={(tab) => setSearch({ tab, q: '', sort: '' })}
      >
        {isWorkers ? (
          <Loaded query={pool}>{({ workers }) => <WorkerTable workers={workers} />}</Loaded>
        ) : (
          <Loaded query={apps}>
            {(data) => <AppTable apps={data.apps} onDeploy={() => setSearch({ ask: 'deploy' })} />}
          </Loaded>
        )}
      </Tabs>
      {!isWorkers && chosen !== undefined && (
        <AppDetails key={chosen.name} app={chosen} onHide={() => setSearch({ app: '' })} />
      )}
      {mayChange && search.ask === 'deploy' && (
        <DeployDialog onClose={() => setSearch({ ask: '' })} />
      )}
    </>
  );
}

function PoolFacts() {
  const { data } = usePool();
  const { active, idle, creating, total, size, utilization } = data?.pool ?? {};
  const { facts } = WORKERS;
  const share = utilization === undefined ? null : utilization * 100;
  return (
    <div className="pool-facts">
      <Facts
        items={[
          [facts.active, <Num key="active" of={count(active)} />],
          [facts.idle, <Num key="idle" of={count(idle)} />],
          [facts.creating, <Num key="creating" of={count(creating)} />],
          [facts.total, <Num key="total" of={count(total)} />],
          [facts.size, <Num key="size" of={count(size)} />],
          [facts.utilization, <Num key="utilization" of={percent(share)} />],
        ]}
      />
    </div>
  );
}
