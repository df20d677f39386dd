/** What was sent to a webhook, and what came of it; sent again where that is wanted. */
import { queryKeys } from '#web/api/query-keys.ts';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { Num } from '#web/components/Num.tsx';
import { Section } from '#web/components/Section.tsx';
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { Table, type Column } from '#web/components/Table.tsx';
import { count, isKnown } from '#web/format/numbers.ts';
import { duration } from '#web/format/times.ts';
import { WEBHOOKS } from '#web/text/webhooks.ts';
import { redeliver, useDeliveries, type Delivery, type Webhook } from './webhook-queries.ts';

const { columns, deliveries: text, deliveryStates } = WEBHOOKS;

const KINDS: Readonly<Record<string, StatusKind>> = {
  ...{ pending: 'idle', delivered: 'ok', failed: 'warning', dead: 'error' },
};

const SHOWN: readonly Column<Delivery>[] = [
  {
    ...{ id: 'at', title: columns.at },
    cell: ({ event_at: at }) => <Age at={at * 1000} />,
  },
  { id: 'event', title: columns.event, cell: (delivery) => delivery.event_type },
  { id: 'state', title: columns.state, width: 'fit', cell: standingOf },
  {
    ...{ id: 'answer', title: columns.answer, width: 'grow' },
    cell: ({ last_status: status, last_error: error }) => (
      <span className="quiet" title={error ?? ''}>
        {[status === null ? '' : WEBHOOKS.test.http(status), error].filter(Boolean).join(' · ')}
      </span>
    ),
  },
  {
    ...{ id: 'attempts', title: columns.attempts, align: 'end', hideBelow: 'tablet' },
    cell: ({ attempts }) => <Num of={count(attempts)} />,
  },
  {
    ...{ id: 'latency', title: columns.latency, align: 'end', hideBelow: 'tablet' },
    cell: ({ latency_ms: ms }) => duration(isKnown(ms) ? ms / 1000 : null),
  },
  {
    ...{ id: 'next', title: columns.next, align: 'end', hideBelow: 'desktop' },
    cell: ({ next_attempt_at: at }) => <Age at={at === null ? null : at * 1000} />,
  },
];

export interface DeliveryListProps {
  readonly webhook: Webhook;
  readonly onHide: () => void;
}

export function DeliveryList({ webhook, onHide }: DeliveryListProps) {
  const sending = useAction({
    run: (delivery: Delivery) => redeliver(webhook, delivery),
    done: () => text.sentAgain,
    invalidates: [queryKeys.webhooks],
  });
  const again: Column<Delivery> = {
    ...{ id: 'actions', title: '', align: 'end', width: 'fit' },
    cell: (delivery) => (
      <Button size="small" isBusy={sending.isBusy} onClick={() => sending.run(delivery)}>
        {WEBHOOKS.commands.redeliver}
      </Button>
    ),
  };
  const shown = useMayChange() ? [...SHOWN, again] : SHOWN;
  return (
    <Section
      title={text.title(webhook.url)}
      beside={<span className="quiet">{text.older}</span>}
      actions={<Button onClick={onHide}>{text.hide}</Button>}
    >
      <Loaded query={useDeliveries(webhook)}>
        {(deliveries) => (
          <Table
            label={text.title(webhook.url)}
            rows={deliveries}
            rowKey={({ id }) => id}
            columns={shown}
            empty={<EmptyState title={text.none} />}
          />
        )}
      </Loaded>
    </Section>
  );
}

function standingOf({ state }: Delivery) {
  const known = Object.hasOwn(deliveryStates, state);
  const words = known ? deliveryStates[state as keyof typeof deliveryStates] : state;
  return <Status kind={KINDS[state] ?? 'unknown'}>{words}</Status>;
}
