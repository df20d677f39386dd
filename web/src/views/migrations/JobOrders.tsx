/**
 * Actions on jobs, for whoever shows some: children are given what a job's menu holds, and the
 * dialogs that belong to it are shown beside them.
 */
import { useState, type ReactNode } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import type { MenuItem } from '#web/components/Menu.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { LimitDialog, OrderDialog } from './JobDialogs.tsx';
import {
  COMMANDS,
  LIMIT,
  askedOf,
  carryOut,
  invalidatedBy,
  namesOf,
  orderFor,
  type AskedCommand,
  type JobCommand,
  type Order,
} from './job-commands.ts';
import type { Job } from './wire.ts';

export interface JobOrdersProps {
  readonly children: (orders: Orders) => ReactNode;
  /** After jobs were forgotten. */
  readonly onRemoved?: () => void;
  /** What is asked for from elsewhere, and how to say that this was answered. */
  readonly wanted?: {
    readonly job: Job;
    readonly command: string;
    readonly onClose: () => void;
  };
}

export interface Orders {
  readonly mayChange: boolean;
  /** What can be done to these jobs, and to how many of them. */
  readonly itemsFor: (jobs: readonly Job[]) => readonly OrderItem[];
}

export interface OrderItem extends MenuItem {
  readonly command: JobCommand | typeof LIMIT;
}

type Asked =
  | { readonly kind: 'order'; readonly order: Order & { readonly command: AskedCommand } }
  | { readonly kind: 'limit'; readonly job: Job };

export function JobOrders({ children, onRemoved, wanted }: JobOrdersProps) {
  const [chosen, setAsked] = useState<Asked>();
  const mayChange = useMayChange();
  const asked = chosen ?? (mayChange ? askedFor(wanted) : undefined);
  const retrying = useAction({
    run: carryOut,
    done: (_answer, { jobs }) => MIGRATIONS.done.retry(namesOf(jobs)),
    invalidates: invalidatedBy([]),
  });
  const give = ({ command, jobs }: Order) => {
    if (command === 'retry') retrying.run({ command, jobs });
    else setAsked({ kind: 'order', order: { command, jobs } });
  };
  const close = () => {
    setAsked(undefined);
    if (chosen === undefined) wanted?.onClose();
  };
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
            // Whoever leaves the view takes its address along.
            if (asked.order.command !== 'remove') return close();
            setAsked(undefined);
            onRemoved?.();
          }}
        />
      )}
    </>
  );
}

function askedFor(wanted: JobOrdersProps['wanted']): Asked | undefined {
  if (wanted === undefined) return undefined;
  const { job, command: text } = wanted;
  const command = askedOf(text, job);
  if (command === undefined) return undefined;
  if (command === LIMIT) return { kind: 'limit', job };
  return { kind: 'order', order: { command, jobs: [job] } };
}

function limitItems(jobs: readonly Job[], onChoose: (job: Job) => void): readonly OrderItem[] {
  const [job] = jobs;
  if (job === undefined || jobs.length > 1 || !job.commands.includes(LIMIT)) return [];
  const { title } = MIGRATIONS.commands.limit;
  return [{ command: LIMIT, title, onChoose: () => onChoose(job) }];
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
