/** A schedule as it is typed. What was changed is sent, and the rest stays as it is. */
import type { Schedule } from './schedule-queries.ts';
import { withSecrets } from './template-secrets.ts';

export interface ScheduleForm {
  readonly name: string;
  readonly description: string;
  readonly schedule: string;
  readonly timezone: string;
  readonly enabled: boolean;
  readonly missed: Schedule['missed'];
  readonly overlap: Schedule['overlap'];
  /** Seconds. */
  readonly jitter: string;
  /** JSON, without what it logs in with. */
  readonly template: string;
  /** Empty: it stays what it is. */
  readonly password: string;
  readonly token: string;
}

export function formOf(schedule: Schedule | undefined, template: object): ScheduleForm {
  return {
    name: schedule?.name ?? '',
    description: schedule?.description ?? '',
    schedule: schedule?.schedule ?? '0 2 * * *',
    timezone: schedule?.timezone ?? '',
    enabled: schedule?.enabled ?? true,
    missed: schedule?.missed ?? 'once',
    overlap: schedule?.overlap ?? 'skip',
    jitter: String(schedule?.jitter ?? 0),
    template: JSON.stringify(template, undefined, 2),
    ...{ password: '', token: '' },
  };
}

/** Undefined for what is no JSON. */
export function parseTemplate(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** All of a new one; of one that there is, what is different. */
export function toChanges(form: ScheduleForm, before: ScheduleForm | undefined): object {
  const { jitter, template, password, token, ...texts } = form;
  const filled = withSecrets(parseTemplate(template), { password, token });
  const all = { ...texts, jitter: Number(jitter), job_template: filled };
  if (before === undefined) return withoutEmpty(all);
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => {
      if (name === 'job_template') return OF_TEMPLATE.some((each) => form[each] !== before[each]);
      return form[name as keyof ScheduleForm] !== before[name as keyof ScheduleForm];
    }),
  );
}

const OF_TEMPLATE = ['template', 'password', 'token'] as const;

function withoutEmpty(all: object): object {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}
