/** One of a few. The browser's own control: it works on every phone and for every reader. */
import { Field, type FieldFacts } from './Field.tsx';

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly title: string;
  readonly disabled?: boolean;
}

export interface SelectFieldProps<Value extends string> extends FieldFacts {
  readonly value: Value;
  readonly choices: readonly Choice<Value>[];
  readonly onChange: (value: Value) => void;
  readonly disabled?: boolean;
}

export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { label, hint, error, value, choices, onChange, disabled = false } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {(input) => (
        <select
          {...input}
          value={value}
          disabled={disabled}
          onChange={(event) => {
            const chosen = choices.find((choice) => choice.value === event.target.value);
            if (chosen !== undefined) onChange(chosen.value);
          }}
        >
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value} disabled={choice.disabled}>
              {choice.title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
