/** Where a token is shown once. The address stays, so that one is then where one wanted to be. */
import { useState, type SubmitEvent } from 'react';
import { DEV_TOKEN, signIn } from '#web/api/session.ts';
import { useAction } from '#web/api/use-action.ts';
import { Button } from '#web/components/Button.tsx';
import { Icon } from '#web/components/Icon.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { TEXT } from '#web/text/en.ts';

export function SignInPage({ devMode }: { readonly devMode: boolean }) {
  const [token, setToken] = useState('');
  const [isEmpty, setEmpty] = useState(false);
  const enter = useAction({ run: signIn, showsError: true });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setEmpty(token.trim() === '');
    if (token.trim() !== '') enter.run(token);
  };
  return (
    <main className="alone">
      <form className="sign-in" onSubmit={submit}>
        <h1>
          <Icon name="drover" /> {TEXT.session.title}
        </h1>
        <TextField
          label={TEXT.session.token}
          hint={TEXT.session.hint}
          type="password"
          autoComplete="current-password"
          value={token}
          onChange={setToken}
          error={isEmpty ? TEXT.session.empty : enter.error?.message}
          isFirst
        />
        <div className="actions">
          <Button kind="primary" type="submit" isBusy={enter.isBusy}>
            {TEXT.session.signIn}
          </Button>
          {devMode && (
            <Button onClick={() => enter.run(DEV_TOKEN)}>{TEXT.session.continueAsDeveloper}</Button>
          )}
        </div>
      </form>
    </main>
  );
}
