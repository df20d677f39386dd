/** One alert is told to nobody for a while. */
import { useState } from 'react';
import type { Alert } from '#web/api/alerts.ts';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { ALERTS } from '#web/text/alerts.ts';
import { TEXT } from '#web/text/en.ts';
import { SILENCES_PATH, SILENCE_TIMES, matchersOf } from './silences.ts';

export interface SilenceDialogProps {
  readonly alert: Alert;
  readonly onClose: () => void;
}

const { silence: words } = ALERTS;
const CHOICES = SILENCE_TIMES.map((value) => ({ value, title: words.times[value] }));

export function SilenceDialog({ alert, onClose }: SilenceDialogProps) {
  const [until, setUntil] = useState<(typeof SILENCE_TIMES)[number]>('1h');
  const [comment, setComment] = useState('');
  const match = matchersOf(alert);
  const create = useAction({
    run: () => sendJson('POST', SILENCES_PATH, { match, until, comment: comment.trim() }),
    done: () => words.done(alert.rule_name),
    invalidates: [queryKeys.alerts, queryKeys.silences],
    onDone: onClose,
    showsError: true,
  });
  return (
    <Dialog
      title={words.title(alert.rule_name)}
      onClose={onClose}
      onSubmit={() => !create.isBusy && create.run(undefined)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={create.isBusy}>
            {words.action}
          </Button>
        </>
      }
    >
      <div className="form">
        <SelectField label={words.time} value={until} choices={CHOICES} onChange={setUntil} />
        <TextField label={words.comment} value={comment} onChange={setComment} />
      </div>
      <p className="quiet">{words.hint}</p>
      {create.error !== null && (
        <p className="tone-error" role="alert">
          {create.error.message}
        </p>
      )}
    </Dialog>
  );
}
