/** The columns of the list of migrations. */
import { ViewLink } from '#web/app/ViewLink.tsx';
import { useNow } from '#web/app/use-now.ts';
import { Age } from '#web/components/Age.tsx';
import { Menu } from '#web/components/Menu.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Status } from '#web/components/Status.tsx';
import type { Column } from '#web/components/Table.tsx';
import { duration, parseInstant } from '#web/format/times.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Orders } from './JobOrders.tsx';
import { detailOf, nameOf, placeToText, secondsOf, standingOf } from './job-words.ts';
import { migrationView } from './view.ts';
import type { Job } from './wire.ts';

const { columns } = MIGRATIONS;

const SHOWN: readonly Column<Job>[] = [
  { id: 'name', title: columns.vm, cell: linkTo, sort: nameOf },
  {
    ...{ id: 'state', title: columns.state, width: 'fit' },
    cell: (job) => <Standing job={job} />,
    sort: (job) => standingOf(job).text,
  },
  {
    ...{ id: 'progress', title: columns.progress, width: 'fit' },
    cell: (job) => <Progress job={job} />,
    sort: ({ progress }) => progress.percent_complete,
  },
  {
    ...{ id: 'detail', title: columns.detail, width: 'grow', hideBelow: 'tablet' },
    cell: (job) => <Detail job={job} />,
  },
  {
    ...{ id: 'to', title: columns.to, hideBelow: 'desktop' },
    cell: ({ definition: { destination } }) => placeToText(destination),
  },
  {
    ...{ id: 'created', title: columns.created, align: 'end', hideBelow: 'tablet' },
    cell: ({ definition: { created_at: at } }) => <Age at={parseInstant(at)} />,
    sort: ({ definition: { created_at: at } }) => parseInstant(at),
  },
  {
    ...{ id: 'took', title: columns.took, align: 'end', hideBelow: 'desktop' },
    cell: (job) => <Took job={job} />,
    sort: (job) => secondsOf(job, Date.now()),
  },
];

export function jobColumns({ mayChange, itemsFor }: Orders): readonly Column<Job>[] {
  if (!mayChange) return SHOWN;
  const cell = (job: Job) => {
    const items = itemsFor([job]);
    if (items.length === 0) return null;
    return <Menu label={MIGRATIONS.actionsOf(nameOf(job))} items={items} />;
  };
  return [...SHOWN, { id: 'actions', title: '', align: 'end', width: 'fit', cell }];
}

function linkTo(job: Job) {
  return (
    <ViewLink to={migrationView} params={{ id: job.definition.id }}>
      {nameOf(job)}
    </ViewLink>
  );
}

export function Standing({ job }: { readonly job: Job }) {
  const { kind, text } = standingOf(job);
  return <Status kind={kind}>{text}</Status>;
}

/** What has ended is not on its way any more. */
function Progress({ job }: { readonly job: Job }) {
  if (job.status !== 'running') return null;
  const { percent_complete: share } = job.progress;
  return (
    <span className="job-progress">
      <Meter
        label={MIGRATIONS.progressOf(nameOf(job))}
        share={share}
        warnAt={Infinity}
        errorAt={Infinity}
      />
    </span>
  );
}

function Detail({ job }: { readonly job: Job }) {
  const text = detailOf(job);
  return (
    <span className="num quiet" title={text}>
      {text}
    </span>
  );
}

function Took({ job }: { readonly job: Job }) {
  const nowMs = useNow();
  return <span className="num">{duration(secondsOf(job, nowMs))}</span>;
}
