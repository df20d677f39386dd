/** Files that were sent here to be migrated from. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { IconButton } from '#web/components/IconButton.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { bytes } from '#web/format/numbers.ts';
import { parseInstant } from '#web/format/times.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { SendFiles, SendingList } from './SendFiles.tsx';
import { useUploads } from './source-queries.ts';
import { newMigrationView } from './view.ts';
import type { Upload } from './wire.ts';

const { sources } = MIGRATIONS;
const { columns } = sources;

const SHOWN: readonly Column<Upload>[] = [
  {
    ...{ id: 'name', title: columns.name },
    cell: ({ name }) => (
      <ViewLink to={newMigrationView} search={{ source: 'file', q: name }}>
        {name}
      </ViewLink>
    ),
  },
  {
    ...{ id: 'size', title: columns.size, align: 'end' },
    cell: ({ size }) => <Num of={bytes(size)} />,
  },
  {
    ...{ id: 'sent', title: columns.sent, align: 'end' },
    cell: ({ uploaded_at: at }) => <Age at={parseInstant(at)} />,
  },
  {
    ...{ id: 'path', title: columns.path, width: 'grow', hideBelow: 'tablet' },
    cell: ({ path }) => <span className="quiet">{path}</span>,
  },
];

export function UploadList() {
  const [asked, setAsked] = useState<Upload>();
  const actions: Column<Upload> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (upload) => (
      <IconButton
        icon="trash"
        label={`${sources.remove} ${upload.name}`}
        onClick={() => setAsked(upload)}
      />
    ),
  };
  const shown = useMayChange() ? [...SHOWN, actions] : SHOWN;
  return (
    <Section title={sources.uploads} actions={<SendFiles />}>
      <SendingList />
      <Loaded query={useUploads()}>
        {({ uploads }) => (
          <Table
            label={sources.uploads}
            rows={uploads}
            rowKey={({ name }) => name}
            columns={shown}
            empty={<EmptyState title={sources.noUploads}>{sources.noUploadsHint}</EmptyState>}
          />
        )}
      </Loaded>
      {asked !== undefined && <RemoveDialog upload={asked} onClose={() => setAsked(undefined)} />}
    </Section>
  );
}

interface RemoveDialogProps {
  readonly upload: Upload;
  readonly onClose: () => void;
}

function RemoveDialog({ upload: { name }, onClose }: RemoveDialogProps) {
  const { title, text } = sources.confirmUpload;
  const removing = useAction({
    run: () => sendJson('DELETE', `/uploads/${encodeURIComponent(name)}`),
    done: () => sources.removed(name),
    invalidates: [queryKeys.uploads, queryKeys.sourceVms],
    onDone: onClose,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={title(name)}
      action={sources.remove}
      isBusy={removing.isBusy}
      error={removing.error?.message}
      onConfirm={() => removing.run(undefined)}
      onClose={onClose}
    >
      {text}
    </ConfirmDialog>
  );
}
