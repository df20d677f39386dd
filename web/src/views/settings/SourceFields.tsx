/** Where some of a server's numbers come from: what is asked for depends on the kind. */
import { IconButton } from '#web/components/IconButton.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { SETTINGS } from '#web/text/settings.ts';
import { SOURCE_KINDS, TRUSTS, type FieldPlace, type SourceForm } from './server-settings.ts';

export interface SourceFieldsProps {
  readonly source: SourceForm;
  /** From one on. */
  readonly number: number;
  readonly errorOf: (name: FieldPlace['name']) => string | undefined;
  readonly onChange: (source: SourceForm) => void;
  /** Undefined for the only one. */
  readonly onRemove: (() => void) | undefined;
}

const { form: words } = SETTINGS;
const KINDS = SOURCE_KINDS.map((value) => ({ value, title: SETTINGS.kinds[value] }));
const TRUST_CHOICES = TRUSTS.map((value) => ({ value, title: words.trusts[value] }));

export function SourceFields(props: SourceFieldsProps) {
  const { source, number, errorOf, onChange, onRemove } = props;
  const { kind } = source;
  const set = (changes: Partial<SourceForm>) => onChange({ ...source, ...changes });
  return (
    <fieldset className="source">
      <legend>
        {words.source(number)}{' '}
        {onRemove !== undefined && (
          <IconButton icon="trash" label={words.removeSource(number)} onClick={onRemove} />
        )}
      </legend>
      <div className="form">
        <SelectField
          label={words.kind}
          value={kind}
          choices={KINDS}
          onChange={(chosen) => set({ kind: chosen })}
        />
        {kind !== 'local' && <AddressFields {...{ source, errorOf, set }} />}
      </div>
    </fieldset>
  );
}

interface AddressFieldsProps extends Pick<SourceFieldsProps, 'source' | 'errorOf'> {
  readonly set: (changes: Partial<SourceForm>) => void;
}

function AddressFields({ source, errorOf, set }: AddressFieldsProps) {
  const { kind, url, instance, node, secret, hasSecret, trust, thumbprint } = source;
  const usualHint = kind === 'proxmox' ? words.proxmoxHint : words.secretHint;
  return (
    <>
      <TextField
        {...{ label: words.url, type: 'url', value: url, placeholder: SETTINGS.urls[kind] }}
        error={errorOf('url')}
        onChange={(text) => set({ url: text })}
      />
      {kind === 'prometheus' && (
        <TextField
          {...{ label: words.instance, hint: words.instanceHint, value: instance }}
          error={errorOf('instance')}
          onChange={(text) => set({ instance: text })}
        />
      )}
      {kind === 'proxmox' && (
        <TextField
          {...{ label: words.node, hint: words.nodeHint, value: node }}
          error={errorOf('node')}
          onChange={(text) => set({ node: text })}
        />
      )}
      <TextField
        {...{ label: words.secret, hint: hasSecret ? words.secretKept : usualHint }}
        {...{ type: 'password', autoComplete: 'new-password', value: secret }}
        error={errorOf('secret')}
        onChange={(text) => set({ secret: text })}
      />
      {url.startsWith('https:') && (
        <SelectField
          label={words.trust}
          value={trust}
          choices={TRUST_CHOICES}
          onChange={(chosen) => set({ trust: chosen })}
        />
      )}
      {url.startsWith('https:') && trust === 'thumbprint' && (
        <TextField
          {...{ label: words.thumbprint, hint: words.thumbprintHint, value: thumbprint }}
          error={errorOf('thumbprint')}
          onChange={(text) => set({ thumbprint: text })}
        />
      )}
    </>
  );
}
