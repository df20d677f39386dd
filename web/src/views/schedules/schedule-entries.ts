/** Every schedule, for the command palette. */
import { getJson } from '#web/api/http.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import type { Schedule } from './schedule-queries.ts';
import { scheduleView } from './view.ts';

export async function scheduleEntries(): Promise<readonly PaletteEntry[]> {
  const answer = await getJson<{ readonly schedules: readonly Schedule[] }>('/schedules');
  return answer.schedules.map(({ id, name, job_template: { vm_path: path } }) => ({
    ...{ id: `schedule:${id}`, title: name, hint: SCHEDULES.one, icon: 'schedule' },
    ...{ keywords: [id, path], target: { view: scheduleView, params: { id } } },
  }));
}
