/** Every schedule, and what can be done to it now, for the command palette. */
import { getJson } from '#web/api/http.ts';
import type { SignedIn } from '#web/api/session.ts';
import type { PaletteEntry } from '#web/app/palette-entry.ts';
import { runDeed } from '#web/app/run-deed.ts';
import { SCHEDULES } from '#web/text/schedules.ts';
import { STALE_AFTER_DEED, carryOut, switchOf, type ScheduleDeed } from './schedule-commands.ts';
import type { Schedule } from './schedule-queries.ts';
import { scheduleView } from './view.ts';

const { palette: words } = SCHEDULES;

export async function scheduleEntries({
  may_change: mayChange,
}: SignedIn): Promise<readonly PaletteEntry[]> {
  const { schedules } = await getJson<{ readonly schedules: readonly Schedule[] }>('/schedules');
  const found = schedules.map((schedule): PaletteEntry => ({
    ...{ ...factsOf(schedule), id: `schedule:${schedule.id}`, title: schedule.name },
    target: { view: scheduleView, params: { id: schedule.id } },
  }));
  return mayChange ? [...found, ...schedules.flatMap(deedsOf)] : found;
}

function factsOf({ id, job_template: { vm_path: path } }: Schedule) {
  return { hint: SCHEDULES.one, keywords: [id, path], icon: 'schedule' } as const;
}

/** What asks first does so on the page of the schedule. */
function deedsOf(schedule: Schedule): readonly PaletteEntry[] {
  const { id, name } = schedule;
  const facts = (deed: keyof typeof words) => {
    return { ...factsOf(schedule), id: `schedule:${id}:${deed}`, title: words[deed](name) };
  };
  const asked = ['run', 'edit', 'remove'] as const;
  const turn = switchOf(schedule);
  return [
    { ...facts(turn), run: () => void tell(turn, schedule) },
    ...asked.map((ask) => ({
      ...facts(ask),
      target: { view: scheduleView, params: { id }, search: { ask } },
    })),
  ];
}

async function tell(deed: ScheduleDeed, schedule: Schedule): Promise<void> {
  await runDeed({
    run: async () => {
      await carryOut(deed, schedule);
      return SCHEDULES.done[deed](schedule.name);
    },
    invalidates: STALE_AFTER_DEED,
  });
}
