/** What can be done to a schedule. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { schedulePath, type Schedule } from './schedule-queries.ts';

export type ScheduleDeed = 'run' | 'enable' | 'disable' | 'remove';

export const STALE_AFTER_DEED = [queryKeys.schedules, queryKeys.migrationJobs];

export function switchOf({ enabled }: Schedule): 'enable' | 'disable' {
  return enabled ? 'disable' : 'enable';
}

export async function carryOut(deed: ScheduleDeed, { id }: Schedule): Promise<void> {
  const path = schedulePath(id);
  if (deed === 'remove') await sendJson('DELETE', path);
  else await sendJson('POST', `${path}/${deed === 'run' ? 'trigger' : deed}`);
}
