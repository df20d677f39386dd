/** A connection, new or changed; it is tried out when it was saved. */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { TEXT } from '#web/text/en.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import {
  connectionPath,
  formOf,
  toConnection,
  useTestConnection,
  type ConnectionForm,
} from './connection-form.ts';
import { loginFieldOf, type Login } from './login.ts';
import { LoginFields } from './LoginFields.tsx';
import type { Connection } from './wire.ts';

const { form: text, saved } = MIGRATIONS.sources;

export interface ConnectionDialogProps {
  /** Left out: a new one. */
  readonly of?: Connection;
  /** Of a new one: what was typed elsewhere already. */
  readonly login?: Login;
  readonly onClose: () => void;
  readonly onSaved?: (name: string) => void;
}

export function ConnectionDialog({ of: old, login, onClose, onSaved }: ConnectionDialogProps) {
  const [form, setForm] = useState<ConnectionForm>(() => ({ ...formOf(old), ...login }));
  const testing = useTestConnection();
  const saving = useAction({
    run: (sent: ConnectionForm) =>
      old === undefined
        ? sendJson('POST', '/connections', toConnection(sent))
        : sendJson('PUT', connectionPath(old.name), toConnection(sent)),
    done: (_answer, { name }) => saved(name),
    invalidates: [queryKeys.connections, queryKeys.sourceVms],
    onDone: (_answer, { name }) => {
      testing.run(name);
      onClose();
      onSaved?.(name);
    },
    showsError: true,
  });
  const { message, facts } = saving.error ?? {};
  const field = facts?.field === 'name' ? 'name' : loginFieldOf(facts?.field);
  const errors = field === undefined ? {} : { [field]: message };
  const change = (changes: Partial<ConnectionForm>) => setForm({ ...form, ...changes });
  return (
    <Dialog
      title={old === undefined ? text.add : text.change(old.name)}
      onClose={onClose}
      onSubmit={() => saving.run(form)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={saving.isBusy}>
            {text.saveAndTest}
          </Button>
        </>
      }
    >
      {message !== undefined && field === undefined && (
        <p className="tone-error" role="alert">
          {message}
        </p>
      )}
      <div className="form">
        {old === undefined && (
          <TextField
            {...{ label: text.name, value: form.name, error: errors.name }}
            isFirst
            onChange={(name) => change({ name })}
          />
        )}
        <LoginFields
          {...{ login: form, errors, hasPassword: old !== undefined }}
          onChange={change}
        />
      </div>
    </Dialog>
  );
}
