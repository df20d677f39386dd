/** Connections: listed, tried, changed, removed. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Button } from '#web/components/Button.tsx';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Menu } from '#web/components/Menu.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { ConnectionDialog } from './ConnectionDialog.tsx';
import { connectionPath, useTestConnection } from './connection-form.ts';
import { useConnections } from './source-queries.ts';
import { choiceOf } from './source.ts';
import { newMigrationView } from './view.ts';
import type { Connection } from './wire.ts';

const { sources } = MIGRATIONS;
const { columns } = sources;

type Asked =
  | { readonly kind: 'add' }
  | { readonly kind: 'edit' | 'remove'; readonly connection: Connection };

const SHOWN: readonly Column<Connection>[] = [
  {
    ...{ id: 'name', title: columns.name },
    cell: ({ name }) => (
      <ViewLink to={newMigrationView} search={{ source: choiceOf(name) }}>
        {name}
      </ViewLink>
    ),
  },
  { id: 'address', title: columns.address, width: 'grow', cell: (each) => each.vcenter_url },
  { id: 'user', title: columns.user, hideBelow: 'tablet', cell: ({ username }) => username },
  {
    ...{ id: 'datacenter', title: columns.datacenter, hideBelow: 'desktop' },
    cell: ({ datacenter }) => datacenter ?? '',
  },
  { id: 'trust', title: columns.trust, hideBelow: 'tablet', cell: trustOf },
];

export function ConnectionList() {
  const [asked, setAsked] = useState<Asked>();
  const mayChange = useMayChange();
  const close = () => setAsked(undefined);
  const add = mayChange && (
    <Button icon="plus" onClick={() => setAsked({ kind: 'add' })}>
      {sources.add}
    </Button>
  );
  return (
    <Section title={sources.connections} actions={add}>
      <Loaded query={useConnections()}>
        {({ connections }) => (
          <ConnectionTable connections={connections} mayChange={mayChange} onAsk={setAsked} />
        )}
      </Loaded>
      {asked?.kind === 'add' && <ConnectionDialog onClose={close} />}
      {asked?.kind === 'edit' && <ConnectionDialog of={asked.connection} onClose={close} />}
      {asked?.kind === 'remove' && <RemoveDialog name={asked.connection.name} onClose={close} />}
    </Section>
  );
}

interface ConnectionTableProps {
  readonly connections: readonly Connection[];
  readonly mayChange: boolean;
  readonly onAsk: (asked: Asked) => void;
}

function ConnectionTable({ connections, mayChange, onAsk }: ConnectionTableProps) {
  const testing = useTestConnection();
  const actions: Column<Connection> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (connection) => (
      <Menu
        label={MIGRATIONS.actionsOf(connection.name)}
        items={[
          { title: sources.test, onChoose: () => testing.run(connection.name) },
          { title: sources.edit, onChoose: () => onAsk({ kind: 'edit', connection }) },
          {
            ...{ title: sources.remove, kind: 'danger' },
            onChoose: () => onAsk({ kind: 'remove', connection }),
          },
        ]}
      />
    ),
  };
  return (
    <Table
      label={sources.connections}
      rows={connections}
      rowKey={({ name }) => name}
      columns={mayChange ? [...SHOWN, actions] : SHOWN}
      empty={<EmptyState title={sources.empty}>{sources.emptyHint}</EmptyState>}
    />
  );
}

interface RemoveDialogProps {
  readonly name: string;
  readonly onClose: () => void;
}

function RemoveDialog({ name, onClose }: RemoveDialogProps) {
  const { title, text } = sources.confirmConnection;
  const removing = useAction({
    run: () => sendJson('DELETE', connectionPath(name)),
    done: () => sources.removed(name),
    invalidates: [queryKeys.connections],
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

function trustOf({ insecure, thumbprint }: Connection) {
  const { trust } = sources;
  if (insecure) return <Status kind="warning">{trust.insecure}</Status>;
  return thumbprint === null ? trust.system : trust.pinned;
}
