/** A line of text. */
import { useId } from 'react';
import { Field, type FieldFacts } from './Field.tsx';

export interface TextFieldProps extends FieldFacts {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'password' | 'search' | 'url';
  readonly placeholder?: string;
  readonly autoComplete?: string;
  /** Typing goes here at once. */
  readonly isFirst?: boolean;
  readonly disabled?: boolean;
  /** Several lines. */
  readonly rows?: number;
  /** Shown as dots, for as long as something stands in it that nobody is to read. */
  readonly isHidden?: boolean;
  readonly onLeave?: () => void;
  /** Offered while one types; anything else may be typed as well. */
  readonly suggestions?: readonly string[];
}

export function TextField(props: TextFieldProps) {
  const { label, hint, error, value, onChange, rows, type = 'text', ...rest } = props;
  const listId = useId();
  const { autoComplete = 'off', isFirst = false, placeholder, disabled = false } = rest;
  const { suggestions = [], isHidden = false, onLeave } = rest;
  const shared = { value, placeholder, disabled, autoComplete, spellCheck: false, onBlur: onLeave };
  return (
    <Field label={label} hint={hint} error={error}>
      {(input) =>
        rows === undefined ? (
          <>
            <input
              {...input}
              {...shared}
              type={type}
              list={suggestions.length === 0 ? undefined : listId}
              // eslint-disable-next-line jsx-a11y/no-autofocus -- where there is one thing to do
              autoFocus={isFirst}
              onChange={(event) => onChange(event.target.value)}
            />
            {suggestions.length > 0 && (
              <datalist id={listId}>
                {suggestions.map((each) => (
                  <option key={each} value={each}>
                    {each}
                  </option>
                ))}
              </datalist>
            )}
          </>
        ) : (
          <textarea
            {...input}
            {...shared}
            rows={rows}
            data-hidden={isHidden}
            onChange={(event) => onChange(event.target.value)}
          />
        )
      }
    </Field>
  );
}
