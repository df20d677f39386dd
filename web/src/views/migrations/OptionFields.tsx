/** How VMs are moved: what matters first, the rest behind a fold. */
import { CheckField } from '#web/components/CheckField.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { SelectField, type Choice } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { DraftFieldsProps } from './TargetFields.tsx';

const { fields, hints, powers, formats, prepares, macs, methods, more } = MIGRATIONS.create;

export interface OptionFieldsProps extends DraftFieldsProps {
  /** Several cannot all be called the same. */
  readonly isOne: boolean;
}

export function OptionFields({ draft, isOne, onChange }: OptionFieldsProps) {
  return (
    <>
      <div className="form options-form">
        <SelectField
          label={fields.power}
          value={draft.power}
          choices={choicesOf(powers)}
          onChange={(power) => onChange({ power })}
        />
        <SelectField
          label={fields.format}
          value={draft.format}
          choices={choicesOf(formats)}
          onChange={(format) => onChange({ format })}
        />
        <NumberField
          label={fields.bandwidth}
          hint={hints.bandwidth}
          unit="MiB/s"
          min={0}
          value={draft.bandwidth}
          onChange={(bandwidth) => onChange({ bandwidth })}
        />
        <CheckField
          label={fields.start}
          checked={draft.start}
          onChange={(start) => onChange({ start })}
        />
      </div>
      <details className="new-options">
        <summary>{more}</summary>
        <MoreFields {...{ draft, isOne, onChange }} />
      </details>
    </>
  );
}

function MoreFields({ draft, isOne, onChange }: OptionFieldsProps) {
  return (
    <div className="form options-form">
      {isOne && (
        <TextField
          label={fields.name}
          hint={hints.name}
          value={draft.name}
          onChange={(name) => onChange({ name })}
        />
      )}
      <SelectField
        label={fields.method}
        value={draft.method}
        choices={choicesOf(methods)}
        onChange={(method) => onChange({ method })}
      />
      <SelectField
        label={fields.prepare}
        value={draft.prepare}
        choices={choicesOf(prepares)}
        onChange={(prepare) => onChange({ prepare })}
      />
      <SelectField
        label={fields.mac}
        value={draft.mac}
        choices={choicesOf(macs)}
        onChange={(mac) => onChange({ mac })}
      />
      <NumberField
        label={fields.parallel}
        min={1}
        max={16}
        value={draft.parallel}
        onChange={(parallel) => onChange({ parallel })}
      />
      <NumberField
        label={fields.boot}
        hint={hints.boot}
        unit="s"
        min={0}
        value={draft.boot}
        onChange={(boot) => onChange({ boot })}
      />
      <CheckField
        label={fields.verify}
        checked={draft.verify}
        onChange={(verify) => onChange({ verify })}
      />
      <CheckField
        label={fields.compress}
        checked={draft.compress}
        disabled={draft.format === 'raw'}
        onChange={(compress) => onChange({ compress })}
      />
    </div>
  );
}

function choicesOf<Value extends string>(
  titles: Readonly<Record<Value, string>>,
): readonly Choice<Value>[] {
  const values = Object.keys(titles) as Value[];
  return values.map((value) => ({ value, title: titles[value] }));
}
