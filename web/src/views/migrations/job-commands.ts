/** What can be done to jobs, as the server says of each. */
import { sendJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { jobPath } from './job-queries.ts';
import { nameOf } from './job-words.ts';
import type { Job } from './wire.ts';

export const COMMANDS = ['cancel', 'retry', 'clean', 'remove'] as const;
export type JobCommand = (typeof COMMANDS)[number];
/** What cannot be taken back is asked about. */
export type AskedCommand = Exclude<JobCommand, 'retry'>;
/** A limit is typed, so it is a dialog of its own. */
export const LIMIT = 'set-controls';

/** Powering a source on again and removing large files take their time. */
const CLEAN_DEADLINE_MS = 600_000;

export interface Order {
  readonly command: JobCommand;
  readonly jobs: readonly Job[];
}

/** Those of the jobs that it can be asked of. */
export function orderFor(command: JobCommand, jobs: readonly Job[]): Order {
  return { command, jobs: jobs.filter(({ commands }) => commands.includes(command)) };
}

/** What a dialog opens for, where somebody asks for it by name; undefined: for nothing. */
export function askedOf(text: string, { commands }: Job): AskedCommand | typeof LIMIT | undefined {
  const known = [...COMMANDS, LIMIT] as const;
  const command = known.find((each) => each === text && commands.includes(each));
  return command === 'retry' ? undefined : command;
}

export function namesOf([first, ...others]: readonly Job[]): string {
  return first === undefined ? '' : MIGRATIONS.names(nameOf(first), others.length);
}

export function invalidatedBy(jobs: readonly Job[]) {
  const ones = jobs.map(({ definition: { id } }) => queryKeys.migrationJob(id));
  return [queryKeys.migrationJobs, queryKeys.migrationStatus, ...ones];
}

export async function carryOut({ command, jobs }: Order): Promise<void> {
  const ids = jobs.map(({ definition }) => definition.id);
  if (command === 'cancel') {
    await sendJson('POST', '/jobs/cancel', { job_ids: ids });
    return;
  }
  // One after the other: each is a piece of work for the server.
  for (const id of ids) await carryOutOne(command, id);
}

async function carryOutOne(command: Exclude<JobCommand, 'cancel'>, id: string): Promise<void> {
  switch (command) {
    case 'retry':
      await sendJson('POST', `${jobPath(id)}/retry`);
      return;
    case 'clean':
      await sendJson('POST', `${jobPath(id)}/clean`, undefined, { deadlineMs: CLEAN_DEADLINE_MS });
      return;
    case 'remove':
      await sendJson('DELETE', jobPath(id));
  }
}
