/** All schedules: what runs when, and whether it went well. */
import { useMayChange } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Menu } from '#web/components/Menu.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { count } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { parseInstant } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import { newMigrationView } from '#web/views/migrations/view.ts';
import { ScheduleOrders } from './ScheduleOrders.tsx';
import { cronToWords } from './cron-words.ts';
import { useSchedules, type Schedule } from './schedule-queries.ts';
import { schedulesView, scheduleView } from './view.ts';

const { columns, none, states } = SCHEDULES;
const BY_NAME = { column: 'name', descending: false };

const SHOWN: readonly Column<Schedule>[] = [
  {
    ...{ id: 'name', title: columns.name },
    cell: ({ id, name }) => (
      <ViewLink to={scheduleView} params={{ id }}>
        {name}
      </ViewLink>
    ),
    sort: ({ name }) => name,
  },
  {
    ...{ id: 'state', title: columns.state, width: 'fit' },
    cell: ({ enabled }) => <Enabled isEnabled={enabled} />,
    sort: ({ enabled }) => enabled,
  },
  {
    ...{ id: 'when', title: columns.when, width: 'grow' },
    cell: ({ schedule }) => <span title={schedule}>{cronToWords(schedule)}</span>,
  },
  { id: 'zone', title: columns.zone, hideBelow: 'desktop', cell: ({ timezone }) => timezone },
  {
    ...{ id: 'vm', title: columns.vm, hideBelow: 'desktop' },
    cell: ({ job_template: { vm_path: path } }) => <span title={path}>{path}</span>,
  },
  {
    ...{ id: 'next', title: columns.next, align: 'end' },
    cell: ({ next_run: at }) => <Age at={parseInstant(at)} />,
    sort: ({ next_run: at }) => parseInstant(at),
  },
  {
    ...{ id: 'last', title: columns.last, align: 'end', hideBelow: 'tablet' },
    cell: ({ last_run: at }) => <Age at={parseInstant(at)} />,
    sort: ({ last_run: at }) => parseInstant(at),
  },
  {
    ...{ id: 'runs', title: columns.runs, align: 'end', hideBelow: 'tablet' },
    cell: (schedule) => <Num of={count(schedule.run_count)} />,
    sort: (schedule) => schedule.run_count,
  },
  {
    ...{ id: 'failed', title: columns.failed, align: 'end', hideBelow: 'tablet' },
    cell: (schedule) => <Num of={count(schedule.failed_runs)} />,
    sort: (schedule) => schedule.failed_runs,
  },
];
const SORTS = SHOWN.map(({ id }) => id);

export function SchedulesPage() {
  return (
    <>
      <PageHeader title={SCHEDULES.title} />
      <Loaded query={useSchedules()}>
        {({ schedules }) =>
          schedules.length === 0 ? <Nothing /> : <ScheduleList schedules={schedules} />
        }
      </Loaded>
    </>
  );
}

function Nothing() {
  const link = (
    <ViewLink to={newMigrationView} className="button">
      {none.action}
    </ViewLink>
  );
  return (
    <EmptyState title={none.title} {...(useMayChange() && { action: link })}>
      {none.hint}
    </EmptyState>
  );
}

function ScheduleList({ schedules }: { readonly schedules: readonly Schedule[] }) {
  const [{ q, sort }, setSearch] = useViewSearch(schedulesView);
  const rows = filterRows(schedules, q, (each) => [
    ...[each.name, each.id, cronToWords(each.schedule), each.job_template.vm_path],
  ]);
  return (
    <ScheduleOrders>
      {({ mayChange, itemsFor }) => (
        <>
          <FilterField
            label={SCHEDULES.filter}
            value={q}
            onChange={(text) => setSearch({ q: text }, { replace: true })}
            shown={rows.length}
            all={schedules.length}
          />
          <Table
            label={SCHEDULES.title}
            rows={rows}
            rowKey={({ id }) => id}
            columns={mayChange ? [...SHOWN, actionsColumn(itemsFor)] : SHOWN}
            sort={parseSort(sort, SORTS, BY_NAME)}
            onSort={(next) => setSearch({ sort: sortToText(next) })}
            empty={<EmptyState title={TEXT.table.nothingFits} />}
          />
        </>
      )}
    </ScheduleOrders>
  );
}

function actionsColumn(
  itemsFor: (schedule: Schedule) => Parameters<typeof Menu>[0]['items'],
): Column<Schedule> {
  return {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (schedule) => (
      <Menu label={SCHEDULES.actionsOf(schedule.name)} items={itemsFor(schedule)} />
    ),
  };
}

export function Enabled({ isEnabled }: { readonly isEnabled: boolean }) {
  return (
    <Status kind={isEnabled ? 'ok' : 'idle'}>{isEnabled ? states.enabled : states.disabled}</Status>
  );
}
