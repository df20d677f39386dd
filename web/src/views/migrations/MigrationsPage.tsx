/** All migrations: what runs now, what waits, and what became of the others. */
import { useMemo, useState } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { useViewSearch } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table } from '#web/components/Table.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { TEXT } from '#web/text/en.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { useMigrationStatus } from '#web/views/overview/overview-queries.ts';
import { JobOrders, type Orders } from './JobOrders.tsx';
import { jobColumns } from './job-columns.tsx';
import { useJobs, useLiveJobs } from './job-queries.ts';
import { detailOf, nameOf, placeToText, standingOf } from './job-words.ts';
import { migrationsView, newMigrationView, sourcesView } from './view.ts';
import type { Job } from './wire.ts';
import './migrations.css';

const SORTS = ['name', 'state', 'progress', 'created', 'took'];
const NEWEST = { column: 'created', descending: true };
const STATES = ['all', 'running', 'pending', 'completed', 'failed', 'cancelled'] as const;
type StateTab = (typeof STATES)[number];

export function MigrationsPage() {
  const isLive = useLiveJobs();
  const [{ state, batch, schedule }, setSearch] = useViewSearch(migrationsView);
  const tab = STATES.find((each) => each === state) ?? 'all';
  const jobs = useJobs({ state: tab, batch, schedule }, isLive);
  return (
    <>
      <PageHeader
        title={MIGRATIONS.title}
        beside={
          <Status kind={isLive ? 'ok' : 'idle'}>
            {isLive ? MIGRATIONS.live : MIGRATIONS.polled}
          </Status>
        }
        actions={<HeaderLinks />}
      />
      <Only />
      <Tabs
        label={MIGRATIONS.tabs.label}
        tabs={useTabs()}
        chosen={tab}
        onChoose={(id) => setSearch({ state: id })}
      >
        <Loaded query={jobs}>
          {({ pages }) => (
            <>
              <JobList jobs={pages.flatMap((page) => page.jobs)} isFiltered={tab !== 'all'} />
              {jobs.hasNextPage && (
                <p className="after-table">
                  {MIGRATIONS.more(
                    pages.reduce((sum, page) => sum + page.jobs.length, 0),
                    pages[0]?.total ?? 0,
                  )}{' '}
                  <Button
                    size="small"
                    isBusy={jobs.isFetchingNextPage}
                    onClick={() => void jobs.fetchNextPage()}
                  >
                    {MIGRATIONS.loadMore}
                  </Button>
                </p>
              )}
            </>
          )}
        </Loaded>
      </Tabs>
    </>
  );
}

function HeaderLinks() {
  return (
    <>
      <ViewLink to={sourcesView} className="button">
        {MIGRATIONS.sourcesLink}
      </ViewLink>
      {useMayChange() && <NewLink />}
    </>
  );
}

function NewLink() {
  return (
    <ViewLink to={newMigrationView} className="button primary-link">
      {MIGRATIONS.newOne}
    </ViewLink>
  );
}

/** That this is a part, and the way to all of it. */
function Only() {
  const [{ batch, schedule }, setSearch] = useViewSearch(migrationsView);
  if (batch === '' && schedule === '') return null;
  const { only } = MIGRATIONS;
  return (
    <p className="toolbar only">
      {batch === '' ? only.schedule(schedule) : only.batch(batch)}
      <Button size="small" onClick={() => setSearch({ batch: '', schedule: '' })}>
        {only.all}
      </Button>
    </p>
  );
}

function useTabs() {
  const { data } = useMigrationStatus();
  const counts: Partial<Record<StateTab, number | undefined>> = {
    ...{ running: data?.running_jobs, pending: data?.pending_jobs, failed: data?.failed_jobs },
  };
  return STATES.map((id) => {
    const count = counts[id];
    return { id, title: MIGRATIONS.tabs[id], ...(count !== undefined && { count }) };
  });
}

interface JobListProps {
  readonly jobs: readonly Job[];
  readonly isFiltered: boolean;
}

function JobList({ jobs, isFiltered }: JobListProps) {
  const [{ q, sort, batch, schedule }, setSearch] = useViewSearch(migrationsView);
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const rows = filterRows(jobs, q, textsOf);
  const isPart = isFiltered || batch !== '' || schedule !== '';
  if (jobs.length === 0) return <Nothing isPart={isPart} />;
  return (
    <JobOrders onRemoved={() => setKeys(new Set())}>
      {(orders) => (
        <>
          <div className="toolbar">
            <FilterField
              label={MIGRATIONS.filter}
              value={q}
              onChange={(text) => setSearch({ q: text }, { replace: true })}
              shown={rows.length}
              all={jobs.length}
            />
            <Selected jobs={rows.filter(({ definition: { id } }) => keys.has(id))} {...orders} />
          </div>
          <JobTable
            {...{ rows, orders, keys, onKeys: setKeys }}
            sort={parseSort(sort, SORTS, NEWEST)}
            onSort={(next) => setSearch({ sort: sortToText(next) })}
          />
        </>
      )}
    </JobOrders>
  );
}

interface JobTableProps {
  readonly rows: readonly Job[];
  readonly orders: Orders;
  readonly keys: ReadonlySet<string>;
  readonly onKeys: (keys: ReadonlySet<string>) => void;
  readonly sort: ReturnType<typeof parseSort>;
  readonly onSort: (sort: ReturnType<typeof parseSort>) => void;
}

function JobTable({ rows, orders, keys, onKeys, sort, onSort }: JobTableProps) {
  const columns = useMemo(() => jobColumns(orders), [orders]);
  return (
    <Table
      label={MIGRATIONS.title}
      rows={rows}
      rowKey={({ definition: { id } }) => id}
      rowName={nameOf}
      columns={columns}
      sort={sort}
      onSort={onSort}
      {...(orders.mayChange && { selection: { keys, onChange: onKeys } })}
      empty={<EmptyState title={TEXT.table.nothingFits} />}
    />
  );
}

function Selected({ jobs, itemsFor }: Orders & { readonly jobs: readonly Job[] }) {
  if (jobs.length === 0) return null;
  return (
    <>
      <span className="quiet num">{MIGRATIONS.selected(jobs.length)}</span>
      {itemsFor(jobs).map(({ command, title, kind, onChoose }) => (
        <Button key={command} size="small" kind={kind ?? 'plain'} onClick={onChoose}>
          {title}
        </Button>
      ))}
    </>
  );
}

function Nothing({ isPart }: { readonly isPart: boolean }) {
  const { none } = MIGRATIONS;
  const mayChange = useMayChange();
  if (isPart) return <EmptyState title={none.ofState} />;
  return (
    <EmptyState title={none.title} {...(mayChange && { action: <NewLink /> })}>
      {none.hint}
    </EmptyState>
  );
}

function textsOf(job: Job): readonly (string | null)[] {
  const { id, vm_path: path, source, destination } = job.definition;
  const places = [placeToText(source), placeToText(destination)];
  return [nameOf(job), path, id, standingOf(job).text, detailOf(job), ...places];
}
