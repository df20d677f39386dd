/**
 * Actions on jobs, for whoever shows some: children are given what a job's menu holds, and the
 * dialogs that belong to it are shown beside them.
 */
import { useState, type ReactNode } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import type { MenuItem } from '#web/components/Menu.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { LimitDialog, OrderDialog, invalidatedBy, namesOf } from './JobDialogs.tsx';
import { COMMANDS, carryOut, orderFor, type JobCommand, type Order } from './job-commands.ts';
import type { Job } from './wire.ts';

export interface JobOrdersProps {
  readonly children: (orders: Orders) => ReactNode;
  /** After jobs were forgotten. */
  readonly onRemoved?: () => void;
}

export interface Orders {
  readonly mayChange: boolean;
  /** What can be done to these jobs, and to how many of them. */
  readonly itemsFor: (jobs: readonly Job[]) => readonly OrderItem[];
}

export interface OrderItem extends MenuItem {
  readonly command: JobCommand | 'set-controls';
}

type Asked =
  | { readonly kind: 'order'; readonly order: Order & { readonly command: AskedCommand } }
  | { readonly kind: 'limit'; readonly job: Job };
type AskedCommand = Exclude<JobCommand, 'retry'>;

export function JobOrders({ children, onRemoved }: JobOrdersProps) {
  const [asked, setAsked] = useState<Asked>();
  const mayChange = useMayChange();
  const retrying = useAction({
    run: carryOut,
    done: (_answer, { jobs }) => MIGRATIONS.done.retry(namesOf(jobs)),
    invalidates: invalidatedBy({ jobs: [] }),
  });
  const give = ({ command, jobs }: Order) => {
    if (command === 'retry') retrying.run({ command, jobs });
    else setAsked({ kind: 'order', order: { command, jobs } });
  };
  const close = () => setAsked(undefined);
  const itemsFor = (jobs: readonly Job[]) => [
    ...limitItems(jobs, (job) => setAsked({ kind: 'limit', job })),
    ...COMMANDS.flatMap((command) => orderItems(orderFor(command, jobs), jobs.length, give)),
  ];
  return (
    <>
      {children({ mayChange, itemsFor })}
      {asked?.kind === 'limit' && <LimitDialog job={asked.job} onClose={close} />}
      {asked?.kind === 'order' && (
        <OrderDialog
          order={asked.order}
          onClose={close}
          onDone={() => {
            close();
            if (asked.order.command === 'remove') onRemoved?.();
          }}
        />
      )}
    </>
  );
}

function limitItems(jobs: readonly Job[], onChoose: (job: Job) => void): readonly OrderItem[] {
  const [job] = jobs;
  if (job === undefined || jobs.length > 1 || !job.commands.includes('set-controls')) return [];
  const { title } = MIGRATIONS.commands.limit;
  return [{ command: 'set-controls', title, onChoose: () => onChoose(job) }];
}

function orderItems(order: Order, asked: number, give: (order: Order) => void): OrderItem[] {
  const { command, jobs } = order;
  if (jobs.length === 0) return [];
  const { title, many } = MIGRATIONS.commands[command];
  return [
    {
      ...{ command, title: asked === 1 ? title : many(jobs.length) },
      kind: command === 'retry' ? 'plain' : 'danger',
      onChoose: () => give(order),
    },
  ];
}
