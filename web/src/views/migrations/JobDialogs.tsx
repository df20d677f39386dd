/** Asks before something is done to jobs that cannot be taken back, and for a limit. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { TEXT } from '#web/text/en.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { carryOut, invalidatedBy, namesOf, type AskedCommand, type Order } from './job-commands.ts';
import { jobPath } from './job-queries.ts';
import { nameOf } from './job-words.ts';
import { limitToText, parseLimit } from './bandwidth.ts';
import type { Job } from './wire.ts';

export interface OrderDialogProps {
  readonly order: Order & { readonly command: AskedCommand };
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function OrderDialog({ order, onDone, onClose }: OrderDialogProps) {
  const { title, text, action } = MIGRATIONS.confirm[order.command];
  const carrying = useAction({
    run: carryOut,
    done: (_answer, done) => MIGRATIONS.done[done.command](namesOf(done.jobs)),
    invalidates: invalidatedBy(order.jobs),
    onDone,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={title(namesOf(order.jobs))}
      action={action}
      isBusy={carrying.isBusy}
      error={carrying.error?.message}
      onConfirm={() => carrying.run(order)}
      onClose={onClose}
    >
      {text}
    </ConfirmDialog>
  );
}

export interface LimitDialogProps {
  readonly job: Job;
  readonly onClose: () => void;
}

export function LimitDialog({ job, onClose }: LimitDialogProps) {
  const [typed, setTyped] = useState(() => limitToText(job.controls.bandwidth_limit ?? null));
  const limit = parseLimit(typed);
  const { limit: text } = MIGRATIONS;
  const saving = useAction({
    run: (wanted: number | null) =>
      sendJson<Job>('PATCH', jobPath(job.definition.id), { bandwidth_limit: wanted }),
    done: () => text.done(nameOf(job)),
    invalidates: invalidatedBy([job]),
    onDone: onClose,
    showsError: true,
  });
  const wrong = limit === undefined ? text.wrong : saving.error?.message;
  return (
    <Dialog
      title={text.title(nameOf(job))}
      onClose={onClose}
      onSubmit={() => limit !== undefined && saving.run(limit)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={saving.isBusy}>
            {text.save}
          </Button>
        </>
      }
    >
      <NumberField
        label={text.field}
        unit="MiB/s"
        min={0}
        value={typed}
        onChange={setTyped}
        hint={text.hint}
        error={wrong}
      />
    </Dialog>
  );
}
