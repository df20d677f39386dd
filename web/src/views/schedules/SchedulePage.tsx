/** One schedule: when it is due next, and what became of its runs. */
import { useMayChange } from '#web/api/session.ts';
import { useGo, useViewParam, useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Facts } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { count } from '#web/format/numbers.ts';
import { dateTime, duration, parseInstant, timeIn } from '#web/format/times.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import { placeToText } from '#web/views/migrations/job-words.ts';
import { migrationView } from '#web/views/migrations/view.ts';
import { ScheduleOrders, type Asked } from './ScheduleOrders.tsx';
import { Enabled } from './SchedulesPage.tsx';
import { cronToWords } from './cron-words.ts';
import { usePreview, useRuns, useSchedule, type Run, type Schedule } from './schedule-queries.ts';
import { scheduleView, schedulesView } from './view.ts';
import './schedules.css';

const { columns, runStates, form } = SCHEDULES;

const SHOWN_TIMES = 5;
/** What the address may ask for. */
const ASKED: readonly Asked['kind'][] = ['run', 'edit', 'remove'];
/** Of the id of a job. */
const MOST_SHOWN = 12;
const KINDS: Readonly<Record<string, StatusKind>> = {
  ...{ waiting: 'idle', submitting: 'busy', running: 'busy', completed: 'ok' },
  ...{ failed: 'error', cancelled: 'idle', skipped: 'warning' },
};

const RUNS: readonly Column<Run>[] = [
  { id: 'due', title: columns.due, cell: ({ due_at: at }) => dateTime(parseInstant(at)) },
  {
    ...{ id: 'state', title: columns.state, width: 'fit' },
    cell: ({ status }) => <Status kind={KINDS[status] ?? 'unknown'}>{stateOf(status)}</Status>,
  },
  { id: 'job', title: columns.job, cell: linkTo },
  {
    ...{ id: 'took', title: columns.took, align: 'end', hideBelow: 'tablet' },
    cell: (run) => <span className="num">{duration(secondsOf(run))}</span>,
  },
  {
    ...{ id: 'message', title: columns.message, width: 'grow', hideBelow: 'tablet' },
    cell: ({ message, manual }) => (
      <span className="quiet" title={message ?? ''}>
        {message ?? (manual ? SCHEDULES.manual : '')}
      </span>
    ),
  },
];

export function SchedulePage() {
  const id = useViewParam('id');
  const go = useGo();
  const [{ ask }, setSearch] = useViewSearch(scheduleView);
  const onClose = () => setSearch({ ask: '' }, { replace: true });
  const kind = ASKED.find((each) => each === ask);
  return (
    <Loaded query={useSchedule(id)}>
      {(schedule) => (
        <>
          <ScheduleOrders
            onRemoved={() => go({ view: schedulesView })}
            {...(kind !== undefined && { wanted: { kind, schedule, onClose } })}
          >
            {({ mayChange, itemsFor }) => (
              <PageHeader
                title={schedule.name}
                trail={<ViewLink to={schedulesView}>{SCHEDULES.title}</ViewLink>}
                beside={<Enabled isEnabled={schedule.enabled} />}
                actions={
                  mayChange &&
                  itemsFor(schedule).map(({ title, kind, onChoose }) => (
                    <Button key={title} kind={kind ?? 'plain'} onClick={onChoose}>
                      {title}
                    </Button>
                  ))
                }
              />
            )}
          </ScheduleOrders>
          <ScheduleFacts schedule={schedule} />
          <NextRuns schedule={schedule} />
          <History id={id} />
          <Section title={SCHEDULES.request}>
            <RequestFacts schedule={schedule} />
          </Section>
        </>
      )}
    </Loaded>
  );
}

function RequestFacts({ schedule: { job_template: template } }: { readonly schedule: Schedule }) {
  const { facts } = MIGRATIONS;
  return (
    <>
      <Facts
        items={[
          [facts.vm, template.vm_path],
          [facts.from, placeToText(template.source)],
          [facts.to, placeToText(template.destination)],
        ]}
      />
      <details className="whole-request">
        <summary>{SCHEDULES.whole}</summary>
        <pre>{JSON.stringify(template, undefined, 2)}</pre>
      </details>
    </>
  );
}

function ScheduleFacts({ schedule }: { readonly schedule: Schedule }) {
  return (
    <Facts
      items={[
        [columns.when, cronToWords(schedule.schedule)],
        [columns.zone, schedule.timezone],
        [columns.next, <Age key="next" at={parseInstant(schedule.next_run)} />],
        [columns.last, <Age key="last" at={parseInstant(schedule.last_run)} />],
        [columns.runs, <Num key="runs" of={count(schedule.run_count)} />],
        [columns.failed, <Num key="failed" of={count(schedule.failed_runs)} />],
        [form.missed, form.missedNames[schedule.missed]],
        [form.overlap, form.overlapNames[schedule.overlap]],
        [form.jitter, schedule.jitter === 0 ? form.noJitter : duration(schedule.jitter)],
        ...(schedule.description === ''
          ? []
          : ([[form.description, schedule.description]] as const)),
      ]}
    />
  );
}

function NextRuns({ schedule }: { readonly schedule: Schedule }) {
  const { next_run: next, enabled, timezone } = schedule;
  const { data } = usePreview({
    ...{ schedule: schedule.schedule, timezone },
    ...(next !== null && { after: next }),
  });
  const times = next === null ? [] : [next, ...(data?.next_runs ?? [])].slice(0, SHOWN_TIMES);
  return (
    <Section title={SCHEDULES.nextRuns(timezone)}>
      {!enabled && <p className="quiet">{SCHEDULES.noNext}</p>}
      <ol className="next-runs">
        {enabled &&
          times.map((at) => (
            <li key={at} className="num">
              {timeIn(timezone, parseInstant(at))}
              <span className="quiet">
                <Age at={parseInstant(at)} />
              </span>
            </li>
          ))}
      </ol>
    </Section>
  );
}

function History({ id }: { readonly id: string }) {
  const runs = useRuns(id);
  const hint = useMayChange() ? SCHEDULES.noRunsHint : '';
  return (
    <Section title={SCHEDULES.history}>
      <Loaded query={runs}>
        {({ pages }) => (
          <Table
            label={SCHEDULES.history}
            rows={pages.flatMap((page) => page.runs)}
            rowKey={({ sequence }) => String(sequence)}
            columns={RUNS}
            empty={<EmptyState title={SCHEDULES.noRuns}>{hint}</EmptyState>}
          />
        )}
      </Loaded>
      {runs.hasNextPage && (
        <Button size="small" onClick={() => void runs.fetchNextPage()}>
          {SCHEDULES.older}
        </Button>
      )}
    </Section>
  );
}

function linkTo({ job_id: id }: Run) {
  if (id === null) return '';
  return (
    <ViewLink to={migrationView} params={{ id }}>
      <span title={id}>{id.length > MOST_SHOWN ? `${id.slice(0, MOST_SHOWN)}…` : id}</span>
    </ViewLink>
  );
}

function stateOf(status: string): string {
  return Object.hasOwn(runStates, status) ? runStates[status as keyof typeof runStates] : status;
}

function secondsOf({ started_at: start, ended_at: end }: Run): number | null {
  const [from, to] = [parseInstant(start), parseInstant(end)];
  return from === undefined || to === undefined ? null : (to - from) / 1000;
}
