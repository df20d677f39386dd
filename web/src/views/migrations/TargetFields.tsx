/** Where VMs are to go. */
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Draft, TargetType } from './draft.ts';

const { fields, hints, targets } = MIGRATIONS.create;
const TYPES: readonly TargetType[] = ['kvm', 'drover', 'file'];

export interface DraftFieldsProps {
  readonly draft: Draft;
  readonly onChange: (changes: Partial<Draft>) => void;
}

export function TargetFields({ draft, onChange }: DraftFieldsProps) {
  return (
    <div className="form">
      <SelectField
        label={fields.type}
        value={draft.type}
        choices={TYPES.map((value) => ({ value, title: targets[value] }))}
        onChange={(type) => onChange({ type })}
      />
      {draft.type === 'kvm' && <KvmFields draft={draft} onChange={onChange} />}
      {draft.type === 'drover' && <DroverFields draft={draft} onChange={onChange} />}
      {draft.type === 'file' && <DirectoryField draft={draft} onChange={onChange} />}
    </div>
  );
}

function KvmFields({ draft, onChange }: DraftFieldsProps) {
  return (
    <>
      <TextField
        label={fields.uri}
        hint={hints.uri}
        value={draft.uri}
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
          label={fields.pool}
          hint={hints.pool}
          value={draft.pool}
          onChange={(pool) => onChange({ pool })}
        />
      ) : (
        <DirectoryField draft={draft} onChange={onChange} />
      )}
    </>
  );
}

function DroverFields({ draft, onChange }: DraftFieldsProps) {
  return (
    <>
      <TextField
        label={fields.customer}
        hint={hints.customer}
        value={draft.customer}
        onChange={(customer) => onChange({ customer })}
      />
      <TextField
        label={fields.url}
        hint={hints.url}
        value={draft.url}
        onChange={(url) => onChange({ url })}
      />
      {draft.url.trim() !== '' && (
        <>
          <TextField
            label={fields.token}
            hint={hints.token}
            type="password"
            value={draft.token}
            onChange={(token) => onChange({ token })}
          />
          <TextField
            label={fields.thumbprint}
            hint={hints.thumbprint}
            value={draft.thumbprint}
            onChange={(thumbprint) => onChange({ thumbprint })}
          />
        </>
      )}
    </>
  );
}

function DirectoryField({ draft, onChange }: DraftFieldsProps) {
  return (
    <TextField
      label={fields.directory}
      hint={hints.directory}
      value={draft.directory}
      onChange={(directory) => onChange({ directory })}
    />
  );
}
