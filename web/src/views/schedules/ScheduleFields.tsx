/** When, and how: with the next times shown while one types. */
import { toApiError } from '#web/api/api-error.ts';
import { CheckField } from '#web/components/CheckField.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { parseInstant, timeIn } from '#web/format/times.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import { cronToWords } from './cron-words.ts';
import { parseTemplate, type ScheduleForm } from './schedule-form.ts';
import { usePreview } from './schedule-queries.ts';
import { SECRETS, holdsSecret, liftSecrets, secretsNeeded } from './template-secrets.ts';

const { form: text } = SCHEDULES;
const MISSED = ['once', 'skip', 'all'] as const;
const OVERLAP = ['skip', 'queue', 'allow'] as const;
const SHOWN_TIMES = 3;

export interface ScheduleFieldsProps {
  readonly form: ScheduleForm;
  readonly isJson: boolean;
  readonly isNew: boolean;
  readonly onChange: (changes: Partial<ScheduleForm>) => void;
}

export function ScheduleFields({ form, isJson, isNew, onChange }: ScheduleFieldsProps) {
  return (
    <>
      <div className="form">
        <TextField
          label={text.name}
          value={form.name}
          isFirst
          onChange={(name) => onChange({ name })}
        />
        <WhenFields form={form} onChange={onChange} />
        <SelectField
          label={text.missed}
          value={form.missed}
          choices={MISSED.map((value) => ({ value, title: text.missedNames[value] }))}
          onChange={(missed) => onChange({ missed })}
        />
        <SelectField
          label={text.overlap}
          value={form.overlap}
          choices={OVERLAP.map((value) => ({ value, title: text.overlapNames[value] }))}
          onChange={(overlap) => onChange({ overlap })}
        />
        <NumberField
          label={text.jitter}
          hint={text.jitterHint}
          unit="s"
          min={0}
          max={3600}
          value={form.jitter}
          onChange={(jitter) => onChange({ jitter })}
        />
        <TextField
          label={text.description}
          value={form.description}
          onChange={(description) => onChange({ description })}
        />
        <CheckField
          label={text.enabled}
          checked={form.enabled}
          onChange={(enabled) => onChange({ enabled })}
        />
      </div>
      {!isNew && <TemplateFields {...{ form, isJson, onChange }} />}
    </>
  );
}

type TemplateFieldsProps = Omit<ScheduleFieldsProps, 'isNew'>;

/** The whole migration, and beside it what it logs in with, which is never in its text. */
function TemplateFields({ form, isJson, onChange }: TemplateFieldsProps) {
  const isHidden = holdsSecret(form.template);
  const needed = secretsNeeded(parseTemplate(form.template));
  const shown = SECRETS.filter((name) => needed.includes(name) || form[name] !== '');
  return (
    <>
      <TextField
        label={text.template}
        hint={isHidden ? text.hiddenHint : text.templateHint}
        error={isJson ? undefined : text.notJson}
        rows={10}
        value={form.template}
        isHidden={isHidden}
        onChange={(template) => onChange({ template })}
        onLeave={() => {
          if (!isHidden) return;
          const { text: template, secrets } = liftSecrets(form.template);
          onChange({ template, ...secrets });
        }}
      />
      {shown.length > 0 && (
        <div className="form">
          {shown.map((name) => (
            <TextField
              key={name}
              {...{ label: text.secrets[name], hint: text.secretHint, value: form[name] }}
              {...{ type: 'password', autoComplete: 'new-password' }}
              onChange={(value) => onChange({ [name]: value })}
            />
          ))}
        </div>
      )}
    </>
  );
}

function WhenFields({ form, onChange }: Pick<ScheduleFieldsProps, 'form' | 'onChange'>) {
  const { schedule, timezone } = form;
  const preview = usePreview({ schedule, timezone });
  // By the clocks of the schedule, which are what the expression is about.
  const zone = preview.data?.timezone ?? 'UTC';
  const times = preview.data?.next_runs
    .slice(0, SHOWN_TIMES)
    .map((at) => timeIn(zone, parseInstant(at)));
  return (
    <>
      <TextField
        label={text.when}
        hint={`${cronToWords(schedule)}. ${text.whenHint}`}
        error={preview.error === null ? undefined : toApiError(preview.error).message}
        value={schedule}
        onChange={(changed) => onChange({ schedule: changed })}
      />
      <TextField
        label={text.zone}
        hint={times === undefined ? text.zoneHint : text.preview(times.join(' · '), zone)}
        placeholder={preview.data?.timezone ?? ''}
        value={timezone}
        onChange={(changed) => onChange({ timezone: changed })}
      />
    </>
  );
}
