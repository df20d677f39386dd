/** The migrations that run, with how far they are; nothing where none does. */
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { ProgressBar } from '#web/components/ProgressBar.tsx';
import { Section } from '#web/components/Section.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { parseInstant } from '#web/format/times.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { nameOf, stageOf } from '#web/views/migrations/job-words.ts';
import { migrationView } from '#web/views/migrations/view.ts';
import type { Job } from '#web/views/migrations/wire.ts';
import { useRunningJobs } from './overview-queries.ts';

const { columns } = OVERVIEW;

const COLUMNS: readonly Column<Job>[] = [
  { id: 'vm', title: columns.vm, width: 'fit', cell: linkTo },
  {
    ...{ id: 'stage', title: columns.stage, width: 'fit', hideBelow: 'tablet' },
    cell: (job) => <span title={job.progress.current_step ?? undefined}>{stageOf(job)}</span>,
  },
  {
    ...{ id: 'progress', title: columns.progress, width: 'grow' },
    cell: (job) => (
      <ProgressBar
        label={OVERVIEW.progressOf(nameOf(job))}
        doneBytes={job.progress.current_bytes}
        totalBytes={job.progress.total_bytes}
        bytesPerS={job.progress.bytes_per_second}
      />
    ),
  },
  {
    ...{ id: 'since', title: columns.since, align: 'end' },
    cell: ({ started_at: at }) => <Age at={parseInstant(at)} />,
  },
];

export function RunningJobs() {
  const { data } = useRunningJobs();
  if (data === undefined || data.jobs.length === 0) return null;
  return (
    <Section title={OVERVIEW.running}>
      <Table
        label={OVERVIEW.running}
        rows={data.jobs}
        rowKey={({ definition }) => definition.id}
        columns={COLUMNS}
      />
    </Section>
  );
}

function linkTo(job: Job) {
  return (
    <ViewLink to={migrationView} params={{ id: job.definition.id }}>
      {nameOf(job)}
    </ViewLink>
  );
}
