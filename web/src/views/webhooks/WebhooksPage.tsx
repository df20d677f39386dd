/** All webhooks: where to, of what, and whether it arrives. */
import { useState } from 'react';
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

type Asked =
  | { readonly kind: 'add' }
  | { readonly kind: 'test' | 'remove'; readonly webhook: Webhook };

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
const SORTS = SHOWN.map(({ id }) => id);

export function WebhooksPage() {
  const { data: session } = useSession();
  const isOperator = session?.authenticated === true && session.kind === 'operator';
  const [asked, setAsked] = useState<Asked>();
  const mayChange = useMayChange();
  const close = () => setAsked(undefined);
  const add = mayChange && (
    <Button kind="primary" icon="plus" onClick={() => setAsked({ kind: 'add' })}>
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
            <WebhookList webhooks={webhooks} onAsk={setAsked} />
          )
        }
      </Loaded>
      {asked?.kind === 'add' && <AddDialog isOperator={isOperator} onClose={close} />}
      {asked?.kind === 'test' && <TestDialog webhook={asked.webhook} onClose={close} />}
      {asked?.kind === 'remove' && <RemoveDialog webhook={asked.webhook} onClose={close} />}
    </>
  );
}

interface WebhookListProps {
  readonly webhooks: readonly Webhook[];
  readonly onAsk: (asked: Asked) => void;
}

function WebhookList({ webhooks, onAsk }: WebhookListProps) {
  const [{ q, sort, deliveries }, setSearch] = useViewSearch(webhooksView);
  const mayChange = useMayChange();
  const rows = filterRows(webhooks, q, ({ url, of, events }) => [url, WEBHOOKS.of[of], ...events]);
  const shown = webhooks.find((webhook) => keyOf(webhook) === deliveries);
  const itemsFor = (webhook: Webhook): readonly MenuItem[] => [
    ...(mayChange
      ? [{ title: commands.test, onChoose: () => onAsk({ kind: 'test', webhook }) }]
      : []),
    ...(webhook.of === 'metrics'
      ? [
          {
            title: commands.deliveries,
            onChoose: () => setSearch({ deliveries: keyOf(webhook) }),
          },
        ]
      : []),
    ...(mayChange ? [removeItem(webhook, onAsk)] : []),
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
        columns={[...SHOWN, actions]}
        sort={parseSort(sort, SORTS, BY_URL)}
        onSort={(next) => setSearch({ sort: sortToText(next) })}
        empty={<EmptyState title={TEXT.table.nothingFits} />}
      />
      {shown !== undefined && (
        <DeliveryList webhook={shown} onHide={() => setSearch({ deliveries: '' })} />
      )}
    </>
  );
}

function removeItem(webhook: Webhook, onAsk: (asked: Asked) => void): MenuItem {
  return {
    ...{ title: commands.remove, kind: 'danger', disabled: webhook.isConfigured },
    ...(webhook.isConfigured && { hint: commands.inConfig }),
    onChoose: () => onAsk({ kind: 'remove', webhook }),
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
