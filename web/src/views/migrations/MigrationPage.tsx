/** One migration: how far it is, what it says, and what can be done about it. */
import { useGo, useViewParam, useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { useNow } from '#web/app/use-now.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { Facts, type Fact } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { bytesPerSecond, percent } from '#web/format/numbers.ts';
import { duration, parseInstant } from '#web/format/times.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { scheduleView } from '#web/views/schedules/view.ts';
import { DiskList } from './DiskList.tsx';
import { JobLines } from './JobLines.tsx';
import { JobOrders } from './JobOrders.tsx';
import { JobResult } from './JobResult.tsx';
import { StageStrip } from './StageStrip.tsx';
import { Standing } from './job-columns.tsx';
import { useJob, useLiveJobs } from './job-queries.ts';
import { nameOf, placeToText, secondsOf } from './job-words.ts';
import { migrationsView, migrationView } from './view.ts';
import type { Job } from './wire.ts';
import './migrations.css';

const TABS = ['log', 'events', 'result', 'request'] as const;

export function MigrationPage() {
  const id = useViewParam('id');
  const isLive = useLiveJobs();
  return (
    <Loaded query={useJob(id, isLive)}>
      {(job) => (
        <>
          <Head job={job} />
          {(job.error ?? job.last_error?.message) !== undefined && <Failure job={job} />}
          <StageStrip job={job} />
          <JobFacts job={job} />
          <DiskList job={job} />
          <More job={job} />
        </>
      )}
    </Loaded>
  );
}

function Head({ job }: { readonly job: Job }) {
  const go = useGo();
  const [{ ask }, setSearch] = useViewSearch(migrationView);
  const onClose = () => setSearch({ ask: '' }, { replace: true });
  return (
    <JobOrders
      onRemoved={() => go({ view: migrationsView })}
      wanted={{ job, command: ask, onClose }}
    >
      {({ mayChange, itemsFor }) => (
        <PageHeader
          title={nameOf(job)}
          trail={<ViewLink to={migrationsView}>{MIGRATIONS.title}</ViewLink>}
          beside={<Standing job={job} />}
          actions={
            mayChange &&
            itemsFor([job]).map(({ command, title, kind, onChoose }) => (
              <Button key={command} kind={kind ?? 'plain'} onClick={onChoose}>
                {title}
              </Button>
            ))
          }
        />
      )}
    </JobOrders>
  );
}

function Failure({ job }: { readonly job: Job }) {
  const isOver = job.status === 'failed';
  return (
    <p className={isOver ? 'failure tone-error' : 'failure quiet'} role="alert">
      {job.error ?? job.last_error?.message}
    </p>
  );
}

function JobFacts({ job }: { readonly job: Job }) {
  const nowMs = useNow();
  const { definition, attempts, max_attempts: most, controls } = job;
  const { facts } = MIGRATIONS;
  const at = (time: string | null) => <Age at={parseInstant(time)} />;
  const limit = controls.bandwidth_limit ?? null;
  const items: readonly (Fact | false)[] = [
    [facts.percent, <Num key="percent" of={percent(job.progress.percent_complete)} />],
    [
      job.status === 'running' ? facts.runs : facts.took,
      <span key="took">{duration(secondsOf(job, nowMs))}</span>,
    ],
    [facts.created, at(definition.created_at)],
    [facts.started, at(job.started_at)],
    [facts.vm, definition.vm_path],
    [facts.from, placeToText(definition.source)],
    [facts.to, placeToText(definition.destination)],
    [facts.attempts, <span key="attempts">{facts.attemptOf(attempts, most)}</span>],
    [facts.limit, limit === null ? facts.noLimit : <Num key="limit" of={bytesPerSecond(limit)} />],
    job.attempts > 0 && job.next_attempt_at !== null && [facts.next, at(job.next_attempt_at)],
    job.worker !== null && [facts.worker, job.worker],
    definition.batch_id !== null && [
      facts.batch,
      <BatchLink key="batch" id={definition.batch_id} />,
    ],
    definition.schedule_id !== null && [
      facts.schedule,
      <ViewLink key="schedule" to={scheduleView} params={{ id: definition.schedule_id }}>
        {definition.schedule_id}
      </ViewLink>,
    ],
  ];
  return <Facts items={items.filter((item) => item !== false)} />;
}

function BatchLink({ id }: { readonly id: string }) {
  return (
    <ViewLink to={migrationsView} search={{ batch: id }}>
      {id}
    </ViewLink>
  );
}

function More({ job }: { readonly job: Job }) {
  const [search, setSearch] = useViewSearch(migrationView);
  const tab = TABS.find((each) => each === search.tab) ?? 'log';
  const { detailTabs } = MIGRATIONS;
  return (
    <div className="section">
      <Tabs
        label={detailTabs.label}
        tabs={TABS.map((id) => ({ id, title: detailTabs[id] }))}
        chosen={tab}
        onChoose={(id) => setSearch({ tab: id })}
      >
        {tab === 'log' || tab === 'events' ? (
          <JobLines key={tab} job={job} kind={tab} />
        ) : tab === 'result' ? (
          <JobResult job={job} />
        ) : (
          <pre className="plain-json">{JSON.stringify(job.definition, undefined, 2)}</pre>
        )}
      </Tabs>
    </div>
  );
}
