/** What can be done to schedules, and the dialogs that belong to it. */
import { useState, type ReactNode } from 'react';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import type { MenuItem } from '#web/components/Menu.tsx';
import { SCHEDULES } from '#web/text/schedules.ts';
import { ScheduleDialog } from './ScheduleDialog.tsx';
import { STALE_AFTER_DEED, carryOut, switchOf, type ScheduleDeed } from './schedule-commands.ts';
import type { Schedule } from './schedule-queries.ts';

const { commands, done, confirm } = SCHEDULES;

export interface ScheduleOrdersProps {
  readonly children: (orders: {
    readonly mayChange: boolean;
    readonly itemsFor: (schedule: Schedule) => readonly MenuItem[];
  }) => ReactNode;
  readonly onRemoved?: () => void;
  /** What is asked for from elsewhere, and how to say that this was answered. */
  readonly wanted?: Asked & { readonly onClose: () => void };
}

export interface Asked {
  readonly kind: 'run' | 'edit' | 'remove';
  readonly schedule: Schedule;
}

export function ScheduleOrders({ children, onRemoved, wanted }: ScheduleOrdersProps) {
  const [chosen, setAsked] = useState<Asked>();
  const mayChange = useMayChange();
  const asked = chosen ?? (mayChange ? wanted : undefined);
  const close = () => {
    setAsked(undefined);
    if (chosen === undefined) wanted?.onClose();
  };
  const ordering = useAction({
    run: ({ deed, schedule }: { readonly deed: ScheduleDeed; readonly schedule: Schedule }) =>
      carryOut(deed, schedule),
    done: (_answer, { deed, schedule }) => done[deed](schedule.name),
    invalidates: STALE_AFTER_DEED,
    onDone: (_answer, { deed }) => {
      if (deed !== 'remove') return close();
      // Whoever leaves the view takes its address along.
      setAsked(undefined);
      onRemoved?.();
    },
  });
  const itemsFor = (schedule: Schedule): readonly MenuItem[] => {
    const turn = switchOf(schedule);
    return [
      { title: commands.run, onChoose: () => setAsked({ kind: 'run', schedule }) },
      { title: commands[turn], onChoose: () => ordering.run({ deed: turn, schedule }) },
      { title: commands.edit, onChoose: () => setAsked({ kind: 'edit', schedule }) },
      {
        ...{ title: commands.remove, kind: 'danger' },
        onChoose: () => setAsked({ kind: 'remove', schedule }),
      },
    ];
  };
  const deed = asked?.kind === 'edit' ? undefined : asked?.kind;
  return (
    <>
      {children({ mayChange, itemsFor })}
      {asked?.kind === 'edit' && <ScheduleDialog of={asked.schedule} onClose={close} />}
      {deed !== undefined && asked !== undefined && (
        <ConfirmDialog
          title={confirm[deed].title(asked.schedule.name)}
          action={commands[deed]}
          kind={deed === 'run' ? 'primary' : 'danger'}
          isBusy={ordering.isBusy}
          error={ordering.error?.message}
          onConfirm={() => ordering.run({ deed, schedule: asked.schedule })}
          onClose={close}
        >
          {confirm[deed].text}
        </ConfirmDialog>
      )}
    </>
  );
}
