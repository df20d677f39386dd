/** When, and how: with the next times shown while one types. */
import { toApiError } from '#web/api/api-error.ts';
import { CheckField } from '#web/components/CheckField.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { dateTime, parseInstant } from '#web/format/times.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import { cronToWords } from './cron-words.ts';
import type { ScheduleForm } from './schedule-form.ts';
import { usePreview } from './schedule-queries.ts';

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
      {!isNew && (
        <TextField
          label={text.template}
          hint={text.templateHint}
          error={isJson ? undefined : text.notJson}
          rows={10}
          value={form.template}
          onChange={(template) => onChange({ template })}
        />
      )}
    </>
  );
}

function WhenFields({ form, onChange }: Pick<ScheduleFieldsProps, 'form' | 'onChange'>) {
  const { schedule, timezone } = form;
  const preview = usePreview({ schedule, timezone });
  const times = preview.data?.next_runs
    .slice(0, SHOWN_TIMES)
    .map((at) => dateTime(parseInstant(at)));
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
        hint={times === undefined ? text.zoneHint : text.preview(times.join(' · '))}
        placeholder={preview.data?.timezone ?? ''}
        value={timezone}
        onChange={(changed) => onChange({ timezone: changed })}
      />
    </>
  );
}
