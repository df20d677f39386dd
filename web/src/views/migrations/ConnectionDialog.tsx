/** A connection, new or changed; it is tried out when it was saved. */
import { useState } from 'react';
import type { ApiError } from '#web/api/api-error.ts';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
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
import type { Connection } from './wire.ts';

const { form: text, saved } = MIGRATIONS.sources;

export interface ConnectionDialogProps {
  /** Left out: a new one. */
  readonly of?: Connection;
  readonly onClose: () => void;
}

export function ConnectionDialog({ of: old, onClose }: ConnectionDialogProps) {
  const [form, setForm] = useState(() => formOf(old));
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
    },
    showsError: true,
  });
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
      <Fields
        {...{ form, error: saving.error, isNew: old === undefined }}
        onChange={(changes) => setForm({ ...form, ...changes })}
      />
    </Dialog>
  );
}

interface FieldsProps {
  readonly form: ConnectionForm;
  readonly isNew: boolean;
  readonly error: ApiError | null;
  readonly onChange: (changes: Partial<ConnectionForm>) => void;
}

function Fields({ form, isNew, error, onChange }: FieldsProps) {
  return (
    <>
      {error !== null && (
        <p className="tone-error" role="alert">
          {error.message}
        </p>
      )}
      <div className="form">
        {isNew && (
          <TextField
            label={text.name}
            value={form.name}
            isFirst
            onChange={(name) => onChange({ name })}
          />
        )}
        <TextField
          label={text.url}
          hint={text.urlHint}
          value={form.url}
          onChange={(url) => onChange({ url })}
        />
        <TextField
          label={text.username}
          value={form.username}
          autoComplete="off"
          onChange={(username) => onChange({ username })}
        />
        <TextField
          label={text.password}
          hint={isNew ? undefined : text.keepPassword}
          type="password"
          autoComplete="new-password"
          value={form.password}
          onChange={(password) => onChange({ password })}
        />
        <TextField
          label={text.datacenter}
          hint={text.datacenterHint}
          value={form.datacenter}
          onChange={(datacenter) => onChange({ datacenter })}
        />
        <TrustFields form={form} onChange={onChange} />
      </div>
    </>
  );
}

const TRUSTS = ['system', 'pinned', 'ca', 'insecure'] as const;

function TrustFields({ form, onChange }: Pick<FieldsProps, 'form' | 'onChange'>) {
  return (
    <>
      <SelectField
        label={text.trust}
        value={form.trust}
        choices={TRUSTS.map((value) => ({ value, title: text.trusts[value] }))}
        onChange={(trust) => onChange({ trust })}
      />
      {form.trust === 'pinned' && (
        <TextField
          label={text.thumbprint}
          value={form.thumbprint}
          onChange={(thumbprint) => onChange({ thumbprint })}
        />
      )}
      {form.trust === 'ca' && (
        <TextField label={text.ca} rows={4} value={form.ca} onChange={(ca) => onChange({ ca })} />
      )}
    </>
  );
}
