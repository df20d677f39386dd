/** Whose certificate is believed. */
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { TRUSTS, type TrustForm } from './login.ts';

const { form: text } = MIGRATIONS.sources;

export interface TrustFieldsProps {
  readonly form: TrustForm;
  readonly errors: Readonly<Partial<Record<keyof TrustForm, string>>>;
  readonly onChange: (changes: Partial<TrustForm>) => void;
}

export function TrustFields({ form, errors, onChange }: TrustFieldsProps) {
  const { trust, thumbprint, ca } = form;
  return (
    <>
      <SelectField
        label={text.trust}
        value={trust}
        choices={TRUSTS.map((value) => ({ value, title: text.trusts[value] }))}
        onChange={(chosen) => onChange({ trust: chosen })}
      />
      {trust === 'pinned' && (
        <TextField
          {...{ label: text.thumbprint, value: thumbprint, error: errors.thumbprint }}
          onChange={(typed) => onChange({ thumbprint: typed })}
        />
      )}
      {trust === 'ca' && (
        <TextField
          {...{ label: text.ca, rows: 4, value: ca, error: errors.ca }}
          onChange={(typed) => onChange({ ca: typed })}
        />
      )}
    </>
  );
}
