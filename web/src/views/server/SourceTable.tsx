/** Where what is known of a server comes from, how old it is, and what went wrong. */
import type { ServerSource } from '#web/api/server-shapes.ts';
import { Age } from '#web/components/Age.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { isKnown } from '#web/format/numbers.ts';
import { duration, parseInstant } from '#web/format/times.ts';
import { SERVER } from '#web/text/server.ts';

const { columns } = SERVER;

const COLUMNS: readonly Column<ServerSource>[] = [
  {
    ...{ id: 'source', title: columns.source, width: 'fit' },
    cell: ({ label }) => <span title={label}>{label}</span>,
  },
  {
    ...{ id: 'state', title: columns.state, width: 'grow' },
    cell: ({ error, last_answer: at }) =>
      error === null ? (
        <Status kind={at === null ? 'unknown' : 'ok'}>{SERVER.sourceWorks}</Status>
      ) : (
        <span title={error}>
          <Status kind={at === null ? 'error' : 'warning'}>{error}</Status>
        </span>
      ),
  },
  {
    ...{ id: 'took', title: columns.took, align: 'end', hideBelow: 'tablet' },
    cell: ({ response_time_ms: ms }) => (
      <span className="num">{duration(isKnown(ms) ? ms / 1000 : null)}</span>
    ),
  },
  {
    ...{ id: 'answer', title: columns.answer, align: 'end' },
    cell: ({ last_answer: at }) => <Age at={parseInstant(at)} />,
  },
];

export function SourceTable({ sources }: { readonly sources: readonly ServerSource[] }) {
  return (
    <Section title={SERVER.sections.sources}>
      <Table
        label={SERVER.sections.sources}
        rows={sources}
        rowKey={({ kind, label }) => `${kind} ${label}`}
        columns={COLUMNS}
      />
    </Section>
  );
}
