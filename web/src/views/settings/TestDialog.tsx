/** Asks every source of a server once, and says what came of it. */
import { useQuery } from '@tanstack/react-query';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { Dialog } from '#web/components/Dialog.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { isKnown } from '#web/format/numbers.ts';
import { duration } from '#web/format/times.ts';
import { SETTINGS } from '#web/text/settings.ts';
import { settingsPath } from './server-settings.ts';
import type { ServerSettings, ServerTest, SourceTest } from './server-settings.ts';

const { columns } = SETTINGS;
/** Longer than the server waits for a source. */
const DEADLINE_MS = 60_000;

const COLUMNS: readonly Column<SourceTest>[] = [
  {
    ...{ id: 'source', title: columns.source, width: 'fit' },
    cell: ({ label, kind }) => <span title={label ?? kind}>{label ?? SETTINGS.short[kind]}</span>,
  },
  {
    ...{ id: 'result', title: columns.result },
    cell: ({ works, error, trouble }) => (
      <span title={error ?? trouble ?? undefined}>
        <Status kind={!works ? 'error' : trouble === null ? 'ok' : 'warning'}>
          {error ?? trouble ?? SETTINGS.works}
        </Status>
      </span>
    ),
  },
  {
    ...{ id: 'tells', title: columns.tells, width: 'grow', hideBelow: 'tablet' },
    cell: ({ tells }) => <span title={tells.join(', ')}>{tells.join(', ')}</span>,
  },
  {
    ...{ id: 'took', title: columns.took, align: 'end' },
    cell: ({ response_ms: ms }) => (
      <span className="num">{duration(isKnown(ms) ? ms / 1000 : null)}</span>
    ),
  },
];

export interface TestDialogProps {
  readonly server: ServerSettings;
  readonly onClose: () => void;
}

export function TestDialog({ server: { id, name }, onClose }: TestDialogProps) {
  const test = useQuery({
    queryKey: [...queryKeys.serverSettings, id, 'test'],
    queryFn: ({ signal }) =>
      sendJson<ServerTest>('POST', `${settingsPath(id)}/test`, undefined, {
        ...{ signal, deadlineMs: DEADLINE_MS },
      }),
    // Each time it is opened it is asked anew, and not again while it is read.
    ...{ gcTime: 0, staleTime: Infinity, retry: false },
  });
  return (
    <Dialog title={SETTINGS.testTitle(name)} size="wide" onClose={onClose}>
      <Loaded query={test}>
        {({ sources }) => (
          <Table
            label={SETTINGS.testTitle(name)}
            rows={sources.map((source, index) => ({ ...source, index }))}
            rowKey={({ index }) => String(index)}
            columns={COLUMNS}
          />
        )}
      </Loaded>
    </Dialog>
  );
}
