/** A label above what it names, with a hint or what is wrong below. */
import { useId, type ReactNode } from 'react';

export interface FieldFacts {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What is wrong, in words that say what would be right. */
  readonly error?: string | undefined;
}

export interface FieldProps extends FieldFacts {
  /** Gives its input the id, and names of what describes it. */
  readonly children: (input: FieldInput) => ReactNode;
}

export interface FieldInput {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const isWrong = error !== undefined && error !== '';
  const note = isWrong ? error : hint;
  return (
    <div className="field" data-wrong={isWrong}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-describedby': note === undefined ? undefined : `${id}-note`,
        'aria-invalid': isWrong,
      })}
      {note !== undefined && (
        <p id={`${id}-note`} className="field-note" role={isWrong ? 'alert' : undefined}>
          {note}
        </p>
      )}
    </div>
  );
}
