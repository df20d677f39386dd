/**
 * A new token, and its secret, which is shown this once.
 *
 *   form ── POST ──▶ secret ── closed ──▶ nobody knows it any more but who copied it
 */
import { useState } from 'react';
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { CopyButton } from '#web/components/CopyButton.tsx';
import { Dialog } from '#web/components/Dialog.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { TEXT } from '#web/text/en.ts';
import { SETTINGS } from '#web/text/settings.ts';
import {
  EMPTY_TOKEN,
  LIVES,
  SCOPES,
  TOKENS_PATH,
  formToToken,
  type CreatedToken,
  type TokenForm,
} from './token-queries.ts';

const { tokens: words } = SETTINGS;

export function TokenDialog({ onClose }: { readonly onClose: () => void }) {
  const [created, setCreated] = useState<CreatedToken>();
  return created === undefined ? (
    <NewTokenForm onClose={onClose} onCreated={setCreated} />
  ) : (
    <Secret created={created} onClose={onClose} />
  );
}

interface NewTokenFormProps {
  readonly onClose: () => void;
  readonly onCreated: (created: CreatedToken) => void;
}

function NewTokenForm({ onClose, onCreated }: NewTokenFormProps) {
  const [form, setForm] = useState(EMPTY_TOKEN);
  const set = (changes: Partial<TokenForm>) => setForm({ ...form, ...changes });
  const making = useAction({
    run: () => sendJson<CreatedToken>('POST', TOKENS_PATH, formToToken(form)),
    invalidates: [queryKeys.tokens],
    onDone: onCreated,
    showsError: true,
  });
  const { field } = making.error?.facts ?? {};
  const errorOf = (name: string) => (field === name ? making.error?.message : undefined);
  const isPlaced = ['name', 'customer_id', 'expires_in'].includes(field ?? '');
  return (
    <Dialog
      title={words.add}
      onClose={onClose}
      onSubmit={() => !making.isBusy && making.run(undefined)}
      actions={
        <>
          <Button onClick={onClose}>{TEXT.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={making.isBusy}>
            {words.create}
          </Button>
        </>
      }
    >
      <div className="form">
        <TextField
          {...{ label: words.name, hint: words.nameHint, value: form.name }}
          error={errorOf('name')}
          isFirst
          onChange={(name) => set({ name })}
        />
        <SelectField
          label={words.scope}
          hint={words.scopeHints[form.scope]}
          value={form.scope}
          choices={SCOPES.map((value) => ({ value, title: words.scopes[value] }))}
          onChange={(scope) => set({ scope })}
        />
        {form.scope !== 'operator' && (
          <TextField
            {...{ label: words.customer, value: form.customer, error: errorOf('customer_id') }}
            onChange={(customer) => set({ customer })}
          />
        )}
        <SelectField
          label={words.life}
          value={form.life}
          error={errorOf('expires_in')}
          choices={LIVES.map((value) => ({ value, title: words.lives[value] }))}
          onChange={(life) => set({ life })}
        />
      </div>
      {making.error !== null && !isPlaced && (
        <p className="tone-error" role="alert">
          {making.error.message}
        </p>
      )}
    </Dialog>
  );
}

interface SecretProps {
  readonly created: CreatedToken;
  readonly onClose: () => void;
}

function Secret({ created: { name, token }, onClose }: SecretProps) {
  return (
    <Dialog
      title={words.made(name)}
      onClose={onClose}
      actions={
        <Button kind="primary" onClick={onClose}>
          {words.close}
        </Button>
      }
    >
      <p>{words.once}</p>
      <div className="secret" role="group" aria-label={words.secret}>
        <code>{token}</code>
        <CopyButton text={token} label={words.copy} />
      </div>
    </Dialog>
  );
}
