/** Which due times somebody wants to see. */
import { textMatching, whole } from '#kernel/field-kinds.ts';
import { Problems, type FieldKind } from '#kernel/field-reader.ts';
import type { PreviewQuery } from '#schedules/schedule-service.ts';
import { readFields } from '#surfaces/migration/read-fields.ts';

const USUAL = 5;
const MOST = 20;

const text = textMatching('a text', () => true);
const instant: FieldKind<number> = {
  expectation: 'a time such as 2026-01-17T02:00:00Z',
  parse: (raw) => {
    const ms = typeof raw === 'string' ? Date.parse(raw) : Number.NaN;
    return Number.isNaN(ms) ? undefined : ms;
  },
};

export function parsePreview(body: unknown): PreviewQuery {
  const problems = new Problems();
  const fields = readFields(body, ['schedule', 'timezone', 'after', 'count'], problems);
  const query = {
    schedule: fields.require('schedule', text, ''),
    timezone: fields.optional('timezone', text),
    afterMs: fields.optional('after', instant),
    count: fields.read('count', whole(1, MOST), USUAL),
  };
  problems.throwAny('the schedule cannot be looked at');
  return query;
}
