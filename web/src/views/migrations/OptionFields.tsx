/** How VMs are moved: what matters first, the rest behind a fold. */
import { useState } from 'react';
import { CheckField } from '#web/components/CheckField.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { choicesOf } from './choices.ts';
import { FOLDED_FIELDS, FoldedFields } from './FoldedFields.tsx';
import type { Source } from './source.ts';
import type { DraftFieldsProps } from './TargetFields.tsx';

const { fields, hints, powers, formats, more } = MIGRATIONS.create;

export interface OptionFieldsProps extends DraftFieldsProps {
  /** Several cannot all be called the same. */
  readonly isOne: boolean;
  /** What cannot be done to files is not offered. */
  readonly kind: Source['kind'];
}

export function OptionFields(props: OptionFieldsProps) {
  const { draft, errors, onChange } = props;
  const [isOpen, setOpen] = useState(false);
  // What is wrong must be seen.
  const isWrong = FOLDED_FIELDS.some((field) => errors[field] !== undefined);
  return (
    <>
      <div className="form options-form">
        <SelectField
          label={fields.power}
          value={draft.power}
          choices={choicesOf(powers)}
          onChange={(power) => onChange({ power })}
        />
        {draft.power === 'shutdown' && (
          <NumberField
            {...{ label: fields.shutdown, hint: hints.shutdown, unit: 's', min: 1, max: 3600 }}
            {...{ value: draft.shutdown, error: errors.shutdown }}
            onChange={(shutdown) => onChange({ shutdown })}
          />
        )}
        <SelectField
          label={fields.format}
          value={draft.format}
          choices={choicesOf(formats)}
          onChange={(format) => onChange({ format })}
        />
        <NumberField
          {...{ label: fields.bandwidth, hint: hints.bandwidth, unit: 'MiB/s', min: 0 }}
          {...{ value: draft.bandwidth, error: errors.bandwidth }}
          onChange={(bandwidth) => onChange({ bandwidth })}
        />
        {draft.type !== 'file' && (
          <CheckField
            label={fields.start}
            checked={draft.start}
            onChange={(start) => onChange({ start })}
          />
        )}
      </div>
      <details
        className="new-options"
        open={isOpen || isWrong}
        onToggle={(event) => setOpen(event.currentTarget.open)}
      >
        <summary>{more}</summary>
        <FoldedFields {...props} />
      </details>
    </>
  );
}
