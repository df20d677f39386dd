/** All webhooks: where to, of what, and whether it arrives. */
import { useState, type ReactNode } from 'react';
import { useMayChange, useSession } from '#web/api/session.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { FilterField } from '#web/components/FilterField.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Menu, type MenuItem } from '#web/components/Menu.tsx';
import { Num } from '#web/components/Num.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Status } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { count } from '#web/format/numbers.ts';
import { filterRows, parseSort, sortToText } from '#web/format/sort-rows.ts';
import { TEXT } from '#web/text/en.ts';
import { WEBHOOKS } from '#web/text/webhooks.ts';
import { DeliveryList } from './DeliveryList.tsx';
import { AddDialog, RemoveDialog, TestDialog } from './WebhookDialogs.tsx';
import { webhooksView } from './view.ts';
import { keyOf, useWebhooks, type Webhook } from './webhook-queries.ts';

const { columns, commands, none, states } = WEBHOOKS;
const BY_URL = { column: 'url', descending: false };

const SHOWN: readonly Column<Webhook>[] = [
  {
    ...{ id: 'url', title: columns.url, width: 'grow' },
    cell: ({ url, isConfigured }) => (
      <span title={url}>
        {url} {isConfigured && <span className="tag">{WEBHOOKS.configured}</span>}
      </span>
    ),
    sort: ({ url }) => url,
  },
  {
    ...{ id: 'state', title: columns.state, width: 'fit' },
    cell: (webhook) => <Standing webhook={webhook} />,
    sort: ({ failures }) => failures,
  },
  {
    ...{ id: 'of', title: columns.of, hideBelow: 'tablet' },
    cell: ({ of }) => WEBHOOKS.of[of],
    sort: ({ of }) => of,
  },
  {
    ...{ id: 'events', title: columns.events, hideBelow: 'desktop' },
    cell: ({ events }) => (
      <span title={events.join(', ')}>
        {events.length === 0 ? WEBHOOKS.every : events.join(', ')}
      </span>
    ),
  },
  {
    ...{ id: 'success', title: columns.success, align: 'end', hideBelow: 'tablet' },
    cell: ({ deliveredAtMs: at }) => <Age at={at} />,
    sort: ({ deliveredAtMs: at }) => at,
  },
  {
    ...{ id: 'failures', title: columns.failures, align: 'end', hideBelow: 'tablet' },
    cell: ({ failures }) => <Num of={count(failures)} />,
    sort: ({ failures }) => failures,
  },
];
/** Only where one fails. */
const WHY: Column<Webhook> = {
  ...{ id: 'why', title: columns.why, hideBelow: 'desktop' },
  cell: ({ failures, lastError }) => {
    if (failures === 0 || lastError === null) return null;
    return <span title={lastError}>{lastError}</span>;
  },
};
const SORTS = SHOWN.map(({ id }) => id);

export function WebhooksPage(): ReactNode {
  const { data: session } = useSession();
  const isOperator = session?.authenticated === true && session.kind === 'operator';
  const [{ ask }, setSearch] = useViewSearch(webhooksView);
  const mayChange = useMayChange();
  const add = mayChange && (
    <Button kind="primary" icon="plus" onClick={() => setSearch({ ask: 'add' })}>
      {WEBHOOKS.add}
    </Button>
  );
  return (
    <>
      <PageHeader title={WEBHOOKS.title} actions={add} />
      <Loaded query={useWebhooks(isOperator)}>
        {(webhooks) =>
          webhooks.length === 0 ? (
            <EmptyState title={none.title} action={add}>
              {none.hint}
            </EmptyState>
          ) : (
            <WebhookList webhooks={webhooks} />
          )
        }
      </Loaded>
      {mayChange && ask === 'add' && (
        <AddDialog isOperator={isOperator} onClose={() => setSearch({ ask: '' })} />
      )}
    </>
  );
}

function WebhookList({ webhooks }: { readonly webhooks: readonly Webhook[] }) {
  const [{ q, sort, deliveries, ask, of }, setSearch] = useViewSearch(webhooksView);
  // No address sends anything by being opened.
  const [tested, setTested] = useState<Webhook>();
  const removed = webhooks.find((webhook) => ask === 'remove' && keyOf(webhook) === of);
  const mayChange = useMayChange();
  const isFailing = webhooks.some(({ failures }) => failures > 0);
  const rows = filterRows(webhooks, q, ({ url, of, events }) => [url, WEBHOOKS.of[of], ...events]);
  const shown = webhooks.find((webhook) => keyOf(webhook) === deliveries);
  const itemsFor = (webhook: Webhook): readonly MenuItem[] => [
    ...(mayChange ? [{ title: commands.test, onChoose: () => setTested(webhook) }] : []),
    ...(webhook.of === 'metrics'
      ? [
          {
            title: commands.deliveries,
            onChoose: () => setSearch({ deliveries: keyOf(webhook) }),
          },
        ]
      : []),
    ...(mayChange
      ? [removeItem(webhook, () => setSearch({ ask: 'remove', of: keyOf(webhook) }))]
      : []),
  ];
  const actions: Column<Webhook> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (webhook) => {
      const items = itemsFor(webhook);
      return items.length > 0 && <Menu label={WEBHOOKS.actionsOf(webhook.url)} items={items} />;
    },
  };
  return (
    <>
      <FilterField
        label={WEBHOOKS.filter}
        value={q}
        onChange={(text) => setSearch({ q: text }, { replace: true })}
        shown={rows.length}
        all={webhooks.length}
      />
      <Table
        label={WEBHOOKS.title}
        rows={rows}
        rowKey={keyOf}
        columns={[...SHOWN, ...(isFailing ? [WHY] : []), actions]}
        sort={parseSort(sort, SORTS, BY_URL)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        empty={<EmptyState title={TEXT.table.nothingFits} />}
      />
      {shown !== undefined && (
        <DeliveryList webhook={shown} onHide={() => setSearch({ deliveries: '' })} />
      )}
      {tested !== undefined && <TestDialog webhook={tested} onClose={() => setTested(undefined)} />}
      {mayChange && removed !== undefined && !removed.isConfigured && (
        <RemoveDialog webhook={removed} onClose={() => setSearch({ ask: '', of: '' })} />
      )}
    </>
  );
}

function removeItem(webhook: Webhook, onChoose: () => void): MenuItem {
  return {
    ...{ title: commands.remove, kind: 'danger', disabled: webhook.isConfigured },
    ...(webhook.isConfigured && { hint: commands.inConfig }),
    onChoose,
  };
}

function Standing({ webhook }: { readonly webhook: Webhook }) {
  const { isEnabled, failures, deliveredAtMs: at, lastError } = webhook;
  if (!isEnabled) return <Status kind="idle">{states.disabled}</Status>;
  if (failures > 0) {
    return (
      <span title={lastError ?? ''}>
        <Status kind="error">{states.failing}</Status>
      </span>
    );
  }
  if (at === undefined) return <Status kind="idle">{states.untried}</Status>;
  return <Status kind="ok">{states.ok}</Status>;
}
