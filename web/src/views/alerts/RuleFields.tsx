/** The fields of a rule. */
import { CheckField } from '#web/components/CheckField.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { ALERTS } from '#web/text/alerts.ts';
import { COMPARISONS, SEVERITIES, type RuleForm } from './rules.ts';

export interface RuleFieldsProps {
  readonly form: RuleForm;
  readonly onChange: (changes: Partial<RuleForm>) => void;
  readonly mayRename: boolean;
  readonly errorOf: (field: string) => string | undefined;
}

const { form: words } = ALERTS;
const KINDS = (['metric', 'expr'] as const).map((value) => {
  return { value, title: words.kinds[value] };
});
const MATCH_LINES = 2;

export function RuleFields(props: RuleFieldsProps) {
  const { form, onChange, mayRename, errorOf } = props;
  /** What all fields of text have in common. */
  const text = (name: TextName, hint?: string) => ({
    ...{ label: words[name], value: form[name], error: errorOf(name), hint },
    onChange: (value: string) => onChange({ [name]: value }),
  });
  return (
    <div className="form">
      <TextField {...text('name', words.nameHint)} disabled={!mayRename} isFirst={mayRename} />
      <SelectField
        label={words.severity}
        value={form.severity}
        choices={SEVERITIES.map((value) => ({ value, title: ALERTS.severities[value] }))}
        onChange={(severity) => onChange({ severity })}
      />
      <SelectField
        label={words.kind}
        value={form.kind}
        choices={KINDS}
        onChange={(kind) => onChange({ kind })}
      />
      {form.kind === 'metric' ? (
        <>
          <TextField {...text('metric', words.metricHint)} />
          <TextField {...text('match', words.matchHint)} rows={MATCH_LINES} />
        </>
      ) : (
        <>
          <TextField {...text('expr', words.exprHint)} rows={MATCH_LINES} />
          <TextField {...text('every', words.time)} />
        </>
      )}
      <SelectField
        label={words.comparison}
        value={form.comparison}
        choices={COMPARISONS.map((value) => ({ value, title: value }))}
        onChange={(comparison) => onChange({ comparison })}
      />
      <TextField {...text('value')} />
      <TextField {...text('for', words.time)} />
      <TextField {...text('hysteresis')} />
      <TextField {...text('cooldown', words.time)} />
      <TextField {...text('repeat', words.repeatHint)} />
      <TextField {...text('description')} />
      <CheckField
        label={words.enabled}
        checked={form.enabled}
        onChange={(enabled) => onChange({ enabled })}
      />
    </div>
  );
}

type TextName = {
  [Name in keyof RuleForm]: string extends RuleForm[Name] ? Name : never;
}[keyof RuleForm];
