/** A webhook is added, tried out, or removed. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { CheckField } from '#web/components/CheckField.tsx';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { Facts, type Fact } from '#web/components/Facts.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { Status } from '#web/components/Status.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { duration } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { WEBHOOKS } from '#web/text/webhooks.ts';
import {
  EVENTS,
  addWebhook,
  keyOf,
  removeWebhook,
  testWebhook,
  type Attempt,
  type NewWebhook,
  type Webhook,
} from './webhook-queries.ts';

const { form: text, test } = WEBHOOKS;

export interface WebhookDialogProps {
  readonly webhook: Webhook;
  readonly onClose: () => void;
}

/** Sends one event, once, and says what truly came of it. */
export function TestDialog({ webhook, onClose }: WebhookDialogProps) {
  const sent = useQuery({
    queryKey: ['webhook-test', keyOf(webhook)],
    queryFn: () => testWebhook(webhook),
    ...{ staleTime: Infinity, gcTime: 0, retry: false },
    ...{ refetchOnWindowFocus: false, refetchOnReconnect: false },
  });
  return (
    <Dialog
      title={test.title(webhook.url)}
      onClose={onClose}
      actions={
        <>
          <Button isBusy={sent.isFetching} onClick={() => void sent.refetch()}>
            {TEXT.retry}
          </Button>
          <Button kind="primary" onClick={onClose}>
            {TEXT.close}
          </Button>
        </>
      }
    >
      {sent.isFetching ? (
        <p role="status">{test.sending}</p>
      ) : (
        <Loaded query={sent}>{(attempt) => <Outcome attempt={attempt} />}</Loaded>
      )}
    </Dialog>
  );
}

function Outcome({ attempt }: { readonly attempt: Attempt }) {
  const { delivered, status, error, latency_ms: ms, answer } = attempt;
  const { facts } = test;
  const items: readonly (Fact | false)[] = [
    status !== null && [facts.status, test.http(status)],
    [facts.latency, duration(ms / 1000)],
    error !== null && [facts.error, error],
    answer !== null && answer !== '' && [facts.body, answer],
  ];
  return (
    <>
      <Status kind={delivered ? 'ok' : 'error'}>{delivered ? test.taken : test.refused}</Status>
      <Facts items={items.filter((item) => item !== false)} />
    </>
  );
}

export function RemoveDialog({ webhook, onClose }: WebhookDialogProps) {
  const removing = useAction({
    run: removeWebhook,
    done: () => WEBHOOKS.removed,
    invalidates: [queryKeys.webhooks],
    onDone: onClose,
    showsError: true,
  });
  return (
    <ConfirmDialog
      title={WEBHOOKS.confirm.title}
      action={WEBHOOKS.commands.remove}
      isBusy={removing.isBusy}
      error={removing.error?.message}
      onConfirm={() => removing.run(webhook)}
      onClose={onClose}
    >
      {WEBHOOKS.confirm.text(webhook.url)}
    </ConfirmDialog>
  );
}

export interface AddDialogProps {
  readonly isOperator: boolean;
  readonly onClose: () => void;
}

export function AddDialog({ isOperator, onClose }: AddDialogProps) {
  const [form, setForm] = useState<NewWebhook>({
    ...{ of: isOperator ? 'migration' : 'metrics', url: '', secret: '', events: [] },
  });
  const change = (changes: Partial<NewWebhook>) => setForm({ ...form, ...changes });
  const adding = useAction({
    run: addWebhook,
    done: () => WEBHOOKS.added,
    invalidates: [queryKeys.webhooks],
    onDone: onClose,
    showsError: true,
  });
  return (
    <Dialog
      title={text.title}
      onClose={onClose}
      onSubmit={() => adding.run(form)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={adding.isBusy}>
            {text.save}
          </Button>
        </>
      }
    >
      {isOperator && (
        <SelectField
          label={text.of}
          value={form.of}
          choices={[
            { value: 'migration', title: WEBHOOKS.of.migration },
            { value: 'metrics', title: WEBHOOKS.of.metrics },
          ]}
          onChange={(of) => change({ of, events: [] })}
        />
      )}
      <TextField
        label={text.url}
        hint={text.urlHint}
        error={adding.error?.message}
        type="url"
        isFirst
        value={form.url}
        onChange={(url) => change({ url })}
      />
      <TextField
        label={text.secret}
        hint={text.secretHint}
        type="password"
        autoComplete="new-password"
        value={form.secret}
        onChange={(secret) => change({ secret })}
      />
      <EventFields form={form} onChange={(events) => change({ events })} />
    </Dialog>
  );
}

interface EventFieldsProps {
  readonly form: NewWebhook;
  readonly onChange: (events: readonly string[]) => void;
}

function EventFields({ form: { of, events }, onChange }: EventFieldsProps) {
  return (
    <fieldset className="form">
      <legend>
        {text.events} <span className="quiet">{text.all}</span>
      </legend>
      {EVENTS[of].map((event) => (
        <CheckField
          key={event}
          label={event}
          checked={events.includes(event)}
          onChange={(isChosen) =>
            onChange(isChosen ? [...events, event] : events.filter((each) => each !== event))
          }
        />
      ))}
    </fieldset>
  );
}
