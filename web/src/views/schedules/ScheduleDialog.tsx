/** A schedule, made of a migration that was prepared, or changed. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { useGo } from '#web/app/use-view.ts';
import { Button } from '#web/components/Button.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { TEXT } from '#web/text/en.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import { ScheduleFields } from './ScheduleFields.tsx';
import { formOf, parseTemplate, toChanges, type ScheduleForm } from './schedule-form.ts';
import { schedulePath, type Schedule } from './schedule-queries.ts';
import { scheduleView } from './view.ts';

const { form: text, done } = SCHEDULES;

export type ScheduleDialogProps = { readonly onClose: () => void } & (
  | { readonly of: Schedule; readonly template?: undefined }
  /** Of a new one: what it is to submit. */
  | { readonly of?: undefined; readonly template: object }
);

export function ScheduleDialog({ of: old, template, onClose }: ScheduleDialogProps) {
  const [before] = useState(() => formOf(old, old?.job_template ?? template ?? {}));
  const [form, setForm] = useState<ScheduleForm>(before);
  const go = useGo();
  const saving = useAction({
    run: (sent: ScheduleForm) => {
      const body = toChanges(sent, old === undefined ? undefined : before);
      return old === undefined
        ? sendJson<{ readonly schedule: Schedule }>('POST', '/schedules', body)
        : sendJson<{ readonly schedule: Schedule }>('PUT', schedulePath(old.id), body);
    },
    done: ({ schedule }) => done.save(schedule.name),
    invalidates: [queryKeys.schedules],
    onDone: ({ schedule: { id } }) => {
      onClose();
      if (old === undefined) go({ view: scheduleView, params: { id } });
    },
    showsError: true,
  });
  const isJson = parseTemplate(form.template) !== undefined;
  return (
    <Dialog
      title={old === undefined ? text.create : text.change(old.name)}
      size="wide"
      onClose={onClose}
      onSubmit={() => isJson && saving.run(form)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={saving.isBusy} disabled={!isJson}>
            {text.save}
          </Button>
        </>
      }
    >
      {saving.error !== null && (
        <p className="tone-error" role="alert">
          {saving.error.message}
        </p>
      )}
      <ScheduleFields
        {...{ form, isJson, isNew: old === undefined }}
        onChange={(changes) => setForm({ ...form, ...changes })}
      />
    </Dialog>
  );
}
