/** A vCenter or host that is named for this once. Its login stays in this form. */
import { useState, type SubmitEvent } from 'react';
import type { ApiError } from '#web/api/api-error.ts';
import { useMayChange } from '#web/api/session.ts';
import { Button } from '#web/components/Button.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { ConnectionDialog } from './ConnectionDialog.tsx';
import { EMPTY_LOGIN, loginFieldOf, type Login } from './login.ts';
import { LoginFields } from './LoginFields.tsx';

const { create } = MIGRATIONS;

export interface AddressFieldsProps {
  readonly isBusy: boolean;
  /** Of the last time that its VMs were asked for. */
  readonly error: ApiError | undefined;
  readonly onList: (login: Login) => void;
  /** As a connection of this name. */
  readonly onSaved: (name: string) => void;
}

export function AddressFields({ isBusy, error, onList, onSaved }: AddressFieldsProps) {
  const [login, setLogin] = useState<Login>(EMPTY_LOGIN);
  const [isSaving, setSaving] = useState(false);
  const mayChange = useMayChange();
  const field = loginFieldOf(error?.facts.field);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onList(login);
  };
  return (
    <>
      <form className="below" aria-label={create.address} noValidate onSubmit={submit}>
        <div className="form">
          <LoginFields
            login={login}
            errors={field === undefined ? {} : { [field]: error?.message }}
            hasPassword={false}
            onChange={(changes) => setLogin({ ...login, ...changes })}
          />
        </div>
        <div className="toolbar below">
          <Button type="submit" isBusy={isBusy}>
            {create.listVms}
          </Button>
          {mayChange && (
            <Button disabled={login.url.trim() === ''} onClick={() => setSaving(true)}>
              {create.saveLogin}
            </Button>
          )}
          <span className="quiet">{create.loginHint}</span>
        </div>
      </form>
      {isSaving && (
        <ConnectionDialog login={login} onClose={() => setSaving(false)} onSaved={onSaved} />
      )}
    </>
  );
}
