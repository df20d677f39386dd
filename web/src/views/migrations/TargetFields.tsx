/** Where VMs are to go. */
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { offered, reasonsOf, type Capabilities } from './capabilities.ts';
import type { DraftErrors } from './draft-mistakes.ts';
import { TARGET_TYPES, type Draft } from './draft.ts';
import { TrustFields } from './TrustFields.tsx';

const { fields, hints, targets } = MIGRATIONS.create;
const TYPES = TARGET_TYPES.map((value) => ({ value, title: targets[value] }));

export interface DraftFieldsProps {
  readonly draft: Draft;
  readonly errors: DraftErrors;
  /** Undefined while it is not known what can be done here. */
  readonly capabilities: Capabilities | undefined;
  readonly onChange: (changes: Partial<Draft>) => void;
}

export function TargetFields(props: DraftFieldsProps) {
  const { draft, capabilities, onChange } = props;
  const known = capabilities?.destinations;
  return (
    <div className="form">
      <SelectField
        label={fields.type}
        hint={reasonsOf(TYPES, known)}
        value={draft.type}
        choices={offered(TYPES, known)}
        onChange={(type) => onChange({ type })}
      />
      {draft.type === 'kvm' && <KvmFields {...props} />}
      {draft.type === 'drover' && <DroverFields {...props} />}
      {draft.type === 'file' && <DirectoryField {...props} />}
    </div>
  );
}

function KvmFields(props: DraftFieldsProps) {
  const { draft, errors, onChange } = props;
  return (
    <>
      <TextField
        {...{ label: fields.uri, hint: hints.uri, value: draft.uri, error: errors.uri }}
        onChange={(uri) => onChange({ uri })}
      />
      <SelectField
        label={fields.store}
        value={draft.store}
        choices={[
          { value: 'pool', title: fields.pool },
          { value: 'directory', title: fields.directory },
        ]}
        onChange={(store) => onChange({ store })}
      />
      {draft.store === 'pool' ? (
        <TextField
          {...{ label: fields.pool, hint: hints.pool, value: draft.pool, error: errors.pool }}
          onChange={(pool) => onChange({ pool })}
        />
      ) : (
        <DirectoryField {...props} />
      )}
    </>
  );
}

function DroverFields({ draft, errors, onChange }: DraftFieldsProps) {
  const { customer, url, token } = draft;
  return (
    <>
      <TextField
        {...{ label: fields.customer, hint: hints.customer, value: customer }}
        error={errors.customer}
        onChange={(typed) => onChange({ customer: typed })}
      />
      <TextField
        {...{ label: fields.url, hint: hints.url, value: url, error: errors.url }}
        onChange={(typed) => onChange({ url: typed })}
      />
      {url.trim() !== '' && (
        <>
          <TextField
            {...{ label: fields.token, hint: hints.token, value: token, error: errors.token }}
            type="password"
            autoComplete="new-password"
            onChange={(typed) => onChange({ token: typed })}
          />
          <TrustFields form={draft} {...{ errors, onChange }} />
        </>
      )}
    </>
  );
}

function DirectoryField({ draft, errors, onChange }: DraftFieldsProps) {
  return (
    <TextField
      {...{ label: fields.directory, hint: hints.directory, value: draft.directory }}
      error={errors.directory}
      onChange={(directory) => onChange({ directory })}
    />
  );
}
