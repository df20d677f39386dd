/** What is being kept quiet, until when, and by whom. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { parseInstant } from '#web/format/times.ts';
import { ALERTS } from '#web/text/alerts.ts';
import { SILENCES_PATH, type Silence } from './silences.ts';

const { silence: words } = ALERTS;

const COLUMNS: readonly Column<Silence>[] = [
  {
    ...{ id: 'match', title: words.match, width: 'grow' },
    cell: ({ match }) => <code title={match.join('\n')}>{match.join(', ')}</code>,
  },
  { id: 'comment', title: words.comment, cell: ({ comment }) => comment, hideBelow: 'tablet' },
  {
    ...{ id: 'by', title: words.by, hideBelow: 'tablet' },
    cell: ({ created_by: by }) => <span className="quiet">{by}</span>,
  },
  {
    ...{ id: 'until', title: words.ends, align: 'end' },
    cell: ({ until }) => <Age at={parseInstant(until)} />,
  },
];

export function SilenceTable({ silences }: { readonly silences: readonly Silence[] }) {
  const mayChange = useMayChange();
  const end = useAction({
    run: ({ id }: Silence) => sendJson('DELETE', `${SILENCES_PATH}/${encodeURIComponent(id)}`),
    done: () => words.ended,
    invalidates: [queryKeys.alerts, queryKeys.silences],
  });
  const actions: Column<Silence> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (silence) => (
      <Button size="small" isBusy={end.isBusy} onClick={() => end.run(silence)}>
        {words.end}
      </Button>
    ),
  };
  return (
    <Table
      label={ALERTS.tabs.silences}
      rows={silences}
      rowKey={({ id }) => id}
      columns={mayChange ? [...COLUMNS, actions] : COLUMNS}
      empty={<EmptyState title={words.none}>{words.noneHint}</EmptyState>}
    />
  );
}
