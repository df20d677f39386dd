/** The address of a vCenter or a host, and the login there. */
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Login } from './login.ts';
import { TrustFields } from './TrustFields.tsx';

const { form: text } = MIGRATIONS.sources;

export interface LoginFieldsProps {
  readonly login: Login;
  readonly errors: Readonly<Partial<Record<keyof Login, string>>>;
  /** There is a password already, which nobody is shown. */
  readonly hasPassword: boolean;
  readonly onChange: (changes: Partial<Login>) => void;
}

export function LoginFields({ login, errors, hasPassword, onChange }: LoginFieldsProps) {
  return (
    <>
      <TextField
        {...{ label: text.url, hint: text.urlHint, value: login.url, error: errors.url }}
        onChange={(url) => onChange({ url })}
      />
      <TextField
        {...{ label: text.username, value: login.username, error: errors.username }}
        autoComplete="off"
        onChange={(username) => onChange({ username })}
      />
      <TextField
        {...{ label: text.password, value: login.password, error: errors.password }}
        hint={hasPassword ? text.keepPassword : undefined}
        type="password"
        autoComplete="new-password"
        onChange={(password) => onChange({ password })}
      />
      <TextField
        {...{ label: text.datacenter, hint: text.datacenterHint, value: login.datacenter }}
        error={errors.datacenter}
        onChange={(datacenter) => onChange({ datacenter })}
      />
      <TrustFields form={login} {...{ errors, onChange }} />
    </>
  );
}
