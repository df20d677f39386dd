/** What each of some names at the source becomes at the destination. */
import { Section } from '#web/components/Section.tsx';
import { TextField } from '#web/components/TextField.tsx';

type Names = Readonly<Record<string, string>>;

export interface MappingFieldsProps {
  readonly title: string;
  readonly beside?: string | undefined;
  readonly hint: string;
  readonly empty: string;
  readonly names: readonly string[];
  readonly values: Names;
  readonly onChange: (values: Names) => void;
}

export function MappingFields(props: MappingFieldsProps) {
  const { title, beside, hint, empty, names, values, onChange } = props;
  return (
    <Section title={title} beside={<span className="quiet">{beside}</span>}>
      {names.length === 0 && <p className="quiet">{empty}</p>}
      <div className="form">
        {names.map((name) => (
          <TextField
            key={name}
            label={name}
            hint={hint}
            value={values[name] ?? ''}
            onChange={(to) => onChange({ ...values, [name]: to })}
          />
        ))}
      </div>
    </Section>
  );
}
