/** How VMs are moved, where the usual way is not wanted. */
import { CheckField } from '#web/components/CheckField.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { offered, reasonsOf } from './capabilities.ts';
import { choicesOf } from './choices.ts';
import { fitsSource, waitsForBoot, type Draft } from './draft.ts';
import type { OptionFieldsProps } from './OptionFields.tsx';

const { fields, hints, prepares, macs, methods } = MIGRATIONS.create;

export const FOLDED_FIELDS: readonly (keyof Draft)[] = [
  ...(['name', 'method', 'parallel', 'boot', 'ready', 'priority', 'attempts'] as const),
];

export function FoldedFields(props: OptionFieldsProps) {
  const { draft, errors, isOne, kind, onChange } = props;
  return (
    <div className="form options-form">
      {isOne && (
        <TextField
          {...{ label: fields.name, hint: hints.name, value: draft.name, error: errors.name }}
          onChange={(name) => onChange({ name })}
        />
      )}
      <MethodField {...props} />
      <GuestFields {...props} />
      <NumberField
        {...{ label: fields.parallel, min: 1, max: 16 }}
        {...{ value: draft.parallel, error: errors.parallel }}
        onChange={(parallel) => onChange({ parallel })}
      />
      <NumberField
        {...{ label: fields.priority, hint: hints.priority, min: -100, max: 100 }}
        {...{ value: draft.priority, error: errors.priority }}
        onChange={(priority) => onChange({ priority })}
      />
      <NumberField
        {...{ label: fields.attempts, hint: hints.attempts, min: 1, max: 100 }}
        {...{ value: draft.attempts, error: errors.attempts }}
        onChange={(attempts) => onChange({ attempts })}
      />
      <CheckField
        {...{ label: fields.verify, hint: hints.verify, checked: draft.verify }}
        onChange={(verify) => onChange({ verify })}
      />
      <CheckField
        {...{ label: fields.compress, hint: hints.compress, disabled: draft.format === 'raw' }}
        checked={draft.compress && draft.format !== 'raw'}
        onChange={(compress) => onChange({ compress })}
      />
      {kind !== 'file' && (
        <CheckField
          {...{ label: fields.cdrom, hint: hints.cdrom, checked: draft.cdrom }}
          onChange={(cdrom) => onChange({ cdrom })}
        />
      )}
    </div>
  );
}

function MethodField({ draft, errors, kind, capabilities, onChange }: OptionFieldsProps) {
  const choices = choicesOf(methods).filter(({ value }) => fitsSource(value, kind));
  const known = capabilities?.capabilities;
  return (
    <SelectField
      {...{ label: fields.method, hint: reasonsOf(choices, known), error: errors.method }}
      value={fitsSource(draft.method, kind) ? draft.method : 'auto'}
      choices={offered(choices, known)}
      onChange={(method) => onChange({ method })}
    />
  );
}

/** A folder has no guest that could be made ready, or waited for. */
function GuestFields({ draft, errors, capabilities, onChange }: OptionFieldsProps) {
  const preparation = capabilities?.guest_preparation;
  if (draft.type === 'file') return null;
  return (
    <>
      <SelectField
        {...{ label: fields.prepare, hint: preparation?.reason, value: draft.prepare }}
        disabled={preparation?.available === false}
        choices={choicesOf(prepares)}
        onChange={(prepare) => onChange({ prepare })}
      />
      <SelectField
        {...{ label: fields.mac, value: draft.mac, choices: choicesOf(macs) }}
        onChange={(mac) => onChange({ mac })}
      />
      <NumberField
        {...{ label: fields.boot, hint: hints.boot, unit: 's', min: 0, max: 3600 }}
        {...{ value: draft.boot, error: errors.boot, disabled: !draft.start }}
        onChange={(boot) => onChange({ boot })}
      />
      {waitsForBoot(draft) && (
        <TextField
          {...{ label: fields.ready, hint: hints.ready, value: draft.ready, error: errors.ready }}
          onChange={(ready) => onChange({ ready })}
        />
      )}
    </>
  );
}
