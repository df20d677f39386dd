/** What can be done to schedules, and the dialogs that belong to it. */
import { useState, type ReactNode } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useMayChange } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import type { MenuItem } from '#web/components/Menu.tsx';
import { SCHEDULES } from '#web/text/schedules.ts';
import { ScheduleDialog } from './ScheduleDialog.tsx';
import { schedulePath, type Schedule } from './schedule-queries.ts';

const { commands, done, confirm } = SCHEDULES;

export interface ScheduleOrdersProps {
  readonly children: (orders: {
    readonly mayChange: boolean;
    readonly itemsFor: (schedule: Schedule) => readonly MenuItem[];
  }) => ReactNode;
  readonly onRemoved?: () => void;
}

interface Asked {
  readonly kind: 'edit' | 'remove';
  readonly schedule: Schedule;
}

type Deed = 'run' | 'enable' | 'disable' | 'remove';

export function ScheduleOrders({ children, onRemoved }: ScheduleOrdersProps) {
  const [asked, setAsked] = useState<Asked>();
  const mayChange = useMayChange();
  const close = () => setAsked(undefined);
  const ordering = useAction({
    run: ({ deed, schedule }: { readonly deed: Deed; readonly schedule: Schedule }) =>
      carryOut(deed, schedule.id),
    done: (_answer, { deed, schedule }) => done[deed](schedule.name),
    invalidates: [queryKeys.schedules, queryKeys.migrationJobs],
    onDone: (_answer, { deed }) => {
      if (deed !== 'remove') return;
      close();
      onRemoved?.();
    },
  });
  const itemsFor = (schedule: Schedule): readonly MenuItem[] => {
    const { enabled } = schedule;
    const deed = enabled ? 'disable' : 'enable';
    return [
      { title: commands.run, onChoose: () => ordering.run({ deed: 'run', schedule }) },
      { title: commands[deed], onChoose: () => ordering.run({ deed, schedule }) },
      { title: commands.edit, onChoose: () => setAsked({ kind: 'edit', schedule }) },
      {
        ...{ title: commands.remove, kind: 'danger' },
        onChoose: () => setAsked({ kind: 'remove', schedule }),
      },
    ];
  };
  return (
    <>
      {children({ mayChange, itemsFor })}
      {asked?.kind === 'edit' && <ScheduleDialog of={asked.schedule} onClose={close} />}
      {asked?.kind === 'remove' && (
        <ConfirmDialog
          title={confirm.title(asked.schedule.name)}
          action={commands.remove}
          isBusy={ordering.isBusy}
          error={ordering.error?.message}
          onConfirm={() => ordering.run({ deed: 'remove', schedule: asked.schedule })}
          onClose={close}
        >
          {confirm.text}
        </ConfirmDialog>
      )}
    </>
  );
}

async function carryOut(deed: Deed, id: string): Promise<void> {
  const path = schedulePath(id);
  if (deed === 'remove') await sendJson('DELETE', path);
  else await sendJson('POST', `${path}/${deed === 'run' ? 'trigger' : deed}`);
}
