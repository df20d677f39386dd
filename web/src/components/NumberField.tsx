/** A number, kept as the text that was typed: what it means is for whoever reads the form. */
import { Field, type FieldFacts } from './Field.tsx';

export interface NumberFieldProps extends FieldFacts {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  /** Behind the number: `MiB`. */
  readonly unit?: string;
  readonly disabled?: boolean;
}

export function NumberField(props: NumberFieldProps) {
  const { label, hint, error, value, onChange, unit, min, max, step, disabled = false } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {(input) => (
        <span className="with-unit">
          <input
            {...input}
            type="number"
            inputMode="numeric"
            {...{ value, min, max, step, disabled }}
            onChange={(event) => onChange(event.target.value)}
          />
          {unit !== undefined && <span className="unit">{unit}</span>}
        </span>
      )}
    </Field>
  );
}
