/** Schedules of a server, which make jobs: what there is, and what became of it. */
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { factsOf, formatSheet } from '#apps/drover/client/sheet-text.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import {
  schedulePath,
  SCHEDULES,
  scheduleToSheet,
  whenToText,
  type WireSchedule,
} from '#apps/drover/migrate/wire-schedule.ts';

interface WireRun {
  readonly due_at: string;
  readonly manual: boolean;
  readonly status: string;
  readonly job_id: string | null;
  readonly message: string | null;
}

const LARGEST_PAGE = 1000;
const USUAL_RUNS = 20;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const schedulesList: Command = {
  name: 'schedules list',
  group: 'Migration',
  usage: '',
  summary: 'List schedules, and when each runs next',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { terminal, clock } = invocation;
    const api = await openRestClient(invocation, 'operator');
    const schedules: WireSchedule[] = [];
    let total: number;
    do {
      const path = `${SCHEDULES}?limit=${LARGEST_PAGE}&offset=${schedules.length}`;
      const page = (await api.call('GET', path)) as { schedules: WireSchedule[]; total: number };
      schedules.push(...page.schedules);
      // One that was removed meanwhile would be waited for forever.
      total = page.schedules.length === 0 ? schedules.length : page.total;
    } while (schedules.length < total);
    const nowMs = clock.nowMs();
    await printAnswer(invocation, { schedules, total }, () =>
      schedules.length === 0 ? '' : schedulesToTable(schedules, nowMs),
    );
    if (schedules.length === 0) {
      terminal.note(
        "no schedules yet; make one with: drover schedules create ID --cron '0 2 * * *'",
      );
    }
  },
};

export const schedulesShow: Command = {
  name: 'schedules show',
  group: 'Migration',
  usage: 'ID',
  summary: 'Show a schedule, and the job it makes',
  options: OPTIONS,
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [id = ''] = invocation.words;
    const api = await openRestClient(invocation, 'operator');
    const schedule = (await api.call('GET', schedulePath(id))) as WireSchedule;
    await printAnswer(invocation, schedule, () => scheduleToSheet(schedule));
  },
};

export const schedulesRuns: Command = {
  name: 'schedules runs',
  group: 'Migration',
  usage: 'ID',
  summary: 'List the runs of a schedule, the newest first, and what became of each',
  options: {
    limit: { kind: 'text', argument: 'N', doc: `How many at most. Default: ${USUAL_RUNS}.` },
    ...OPTIONS,
  },
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [id = ''] = words;
    const limit = options.whole('limit', { least: 1, most: LARGEST_PAGE }) ?? USUAL_RUNS;
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('GET', `${schedulePath(id)}/runs?limit=${limit}`);
    const { runs } = answer as { readonly runs: readonly WireRun[] };
    await printAnswer(invocation, answer, () => {
      const rows = runs.map((run) => [
        run.due_at,
        run.manual ? 'by hand' : 'due',
        run.status,
        run.job_id ?? '-',
        printable(run.message ?? ''),
      ]);
      return rows.length === 0 ? '' : formatTable(['AT', 'WHY', 'STATUS', 'JOB', 'MESSAGE'], rows);
    });
    if (runs.length === 0) terminal.note('it has not run yet');
  },
};

export const schedulesStats: Command = {
  name: 'schedules stats',
  group: 'Migration',
  usage: '',
  summary: 'Show what the jobs of all schedules came to, in numbers',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    const answer = (await api.call('GET', `${SCHEDULES}/stats`)) as Record<string, unknown>;
    const { timestamp: _, ...stats } = answer;
    await printAnswer(invocation, answer, () => formatSheet(factsOf(stats)));
  },
};

function schedulesToTable(schedules: readonly WireSchedule[], nowMs: number): string {
  const rows = schedules.map((schedule) => [
    schedule.id,
    printable(schedule.schedule),
    schedule.timezone,
    schedule.enabled ? whenToText(schedule.next_run, nowMs) : 'disabled',
    whenToText(schedule.last_run, nowMs),
    String(schedule.run_count),
    String(schedule.failed_runs),
    printable(schedule.job_template.vm_path),
  ]);
  const header = ['ID', 'SCHEDULE', 'TIME ZONE', 'NEXT', 'LAST', 'RUNS', 'FAILED', 'VM'];
  return formatTable(header, rows);
}
