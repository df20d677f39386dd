/** The time that all charts of a view show. */
import {
  TIME_RANGES,
  parseTimeRange,
  timeRangeToText,
  type TimeRange,
} from '#web/format/time-range.ts';
import { dateTime } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { Button } from './Button.tsx';

export interface TimeRangePickerProps {
  readonly value: TimeRange;
  readonly onChange: (range: TimeRange) => void;
}

const CUSTOM = 'custom';

export function TimeRangePicker({ value, onChange }: TimeRangePickerProps) {
  const text = timeRangeToText(value);
  const named = TIME_RANGES.find((name) => name === text);
  return (
    <div className="time-range">
      {value.kind === 'between' && (
        <>
          <span className="quiet num">
            {TEXT.chart.range(dateTime(value.from * 1000), dateTime(value.to * 1000))}
          </span>
          <Button size="small" onClick={() => onChange(parseTimeRange('1h'))}>
            {TEXT.timeRange.live}
          </Button>
        </>
      )}
      <select
        aria-label={TEXT.timeRange.label}
        value={named ?? CUSTOM}
        onChange={(event) => onChange(parseTimeRange(event.target.value))}
      >
        {named === undefined && <option value={CUSTOM}>{TEXT.timeRange.custom}</option>}
        {TIME_RANGES.map((name) => (
          <option key={name} value={name}>
            {TEXT.timeRange.last(TEXT.timeRange.names[name])}
          </option>
        ))}
      </select>
    </div>
  );
}
