/** The jobs of a server: which there are, and all that is known of one. */
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatSheet, mapToText } from '#apps/drover/client/sheet-text.ts';
import type { Fact } from '#apps/drover/client/sheet-text.ts';
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import { formatLeft, jobToLine } from '#apps/drover/migrate/job-frame.ts';
import { findingsToFacts, resultToFacts } from '#apps/drover/migrate/job-result.ts';
import { jobPath, type WireJob } from '#apps/drover/migrate/wire-job.ts';
import { MOST_LISTED, MOST_OFFSET } from '#jobs/job-list.ts';
import { JOB_STATES } from '#jobs/job.ts';
import { formatBytes } from '#kernel/units.ts';

interface WirePage {
  readonly jobs: readonly WireJob[];
  readonly total: number;
  readonly next_cursor: string | null;
}

interface WireEvent {
  readonly timestamp: string;
  readonly event: string;
  readonly message: string | null;
}

const DEFAULT_PAGE = 50;
const EVENTS_SHOWN = 20;
const SORTS = ['created_at', 'updated_at', 'priority'];
const ORDERS = ['desc', 'asc'];
const FILTERS = ['vm', 'batch', 'schedule'];
const NO_JOBS = 'no jobs; make one with: drover migrate VM --from … --to …';
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const jobsList: Command = {
  name: 'jobs list',
  group: 'Migration',
  usage: '',
  summary: 'List jobs, the newest first',
  options: {
    status: { kind: 'list', argument: 'STATUS', doc: 'Only these.', choices: JOB_STATES },
    vm: { kind: 'text', argument: 'TEXT', doc: 'Only those with this in the path of their VM.' },
    batch: { kind: 'text', argument: 'ID', doc: 'Only those of this batch.' },
    schedule: { kind: 'text', argument: 'ID', doc: 'Only those that this schedule made.' },
    sort: {
      kind: 'text',
      argument: 'FIELD',
      doc: 'By which of these. Default: created_at.',
      choices: SORTS,
    },
    order: {
      kind: 'text',
      argument: 'ORDER',
      doc: 'desc is the newest or greatest first, and the default.',
      choices: ORDERS,
    },
    all: { kind: 'flag', doc: `All of them; without it the first ${DEFAULT_PAGE}.` },
    limit: { kind: 'text', argument: 'N', doc: `How many at most, up to ${MOST_LISTED}.` },
    offset: { kind: 'text', argument: 'N', doc: 'Leave out so many at the start.' },
    after: { kind: 'text', argument: 'CURSOR', doc: 'Go on after an earlier page.' },
    ...OPTIONS,
  },
  examples: [
    'drover jobs list --status running',
    'drover jobs list --status failed --sort updated_at',
    'drover jobs list --vm production --json',
  ],
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal, clock } = invocation;
    const limit = options.whole('limit', { least: 1, most: MOST_LISTED });
    const isAll = options.flag('all') && limit === undefined;
    const states = options.list('status');
    const query = {
      status: states.length === 0 ? undefined : states,
      vm_path: options.text('vm'),
      batch_id: options.text('batch'),
      schedule_id: options.text('schedule'),
      sort: options.text('sort'),
      order: options.text('order'),
      limit: limit ?? (isAll ? MOST_LISTED : DEFAULT_PAGE),
      offset: options.whole('offset', { least: 0, most: MOST_OFFSET }),
      cursor: options.text('after'),
    };
    const api = await openRestClient(invocation, 'operator');
    const page = await readJobs(api, query, isAll);
    const { jobs, total, next_cursor: next } = page;
    const nowMs = clock.nowMs();
    await printAnswer(invocation, page, () => (jobs.length === 0 ? '' : jobsToTable(jobs, nowMs)));
    const isFiltered =
      states.length > 0 || FILTERS.some((name) => options.text(name) !== undefined);
    if (total === 0) terminal.note(isFiltered ? 'there are no such jobs' : NO_JOBS);
    else if (jobs.length === 0) terminal.note(`0 of ${total}`);
    if (next !== null) {
      terminal.note(`${jobs.length} of ${total}; --all shows the rest, or --after ${next}`);
    }
  },
};

export const jobsShow: Command = {
  name: 'jobs show',
  group: 'Migration',
  usage: 'ID',
  summary: 'Show a job: what it does, how far it is, what has become of it',
  options: OPTIONS,
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [id = ''] = invocation.words;
    const api = await openRestClient(invocation, 'operator');
    const job = (await api.call('GET', jobPath(id))) as WireJob;
    const answer = await api.call('GET', `${jobPath(id)}/events?limit=${MOST_LISTED}`);
    const { events } = answer as { readonly events: readonly WireEvent[] };
    await printAnswer(invocation, { ...job, events }, () => {
      const rows = events
        .slice(-EVENTS_SHOWN)
        .map(({ timestamp, event, message }) => [timestamp, event, printable(message ?? '')]);
      const history = rows.length === 0 ? '' : `\n${formatTable([], rows)}`;
      return `${formatSheet(jobToFacts(job))}${history}`;
    });
  },
};

async function readJobs(api: RestClient, first: object, isAll: boolean): Promise<WirePage> {
  const jobs: WireJob[] = [];
  let query = first;
  for (;;) {
    const page = (await api.call('POST', '/jobs/query', query)) as WirePage;
    jobs.push(...page.jobs);
    if (!isAll || page.next_cursor === null) return { ...page, jobs };
    query = { ...first, offset: undefined, cursor: page.next_cursor };
  }
}

function jobsToTable(jobs: readonly WireJob[], nowMs: number): string {
  const rows = jobs.map(({ definition, status, progress, ...job }) => [
    definition.id,
    job.cancel_requested ? 'cancelling' : status,
    status === 'running' ? progress.stage : '-',
    status === 'completed' || status === 'running'
      ? `${Math.floor(progress.percent_complete)} %`
      : '-',
    progress.estimated_remaining === null ? '-' : formatLeft(progress.estimated_remaining),
    formatAge(nowMs - Date.parse(definition.created_at)),
    printable(definition.vm_path),
  ]);
  return formatTable(['ID', 'STATUS', 'STAGE', 'DONE', 'LEFT', 'AGE', 'VM'], rows);
}

/** It has a job for each VM that it matches, in a batch of its own or in its own batch. */
function isPattern({ definition }: WireJob): boolean {
  return definition.vm_path.includes('*');
}

function batchOf({ definition }: WireJob): string {
  return definition.batch_id ?? definition.id;
}

function jobToFacts(job: WireJob): readonly Fact[] {
  const { definition, progress } = job;
  const limit = job.controls['bandwidth_limit'];
  return [
    ['id', definition.id],
    ['name', definition.name],
    ['vm', definition.vm_path],
    ['jobs', isPattern(job) ? `drover jobs list --batch ${batchOf(job)}` : undefined],
    ['from', mapToText(definition.source)],
    ['to', mapToText(definition.destination)],
    ['status', job.cancel_requested ? 'cancelling' : job.status],
    ['progress', job.status === 'running' ? jobToLine(job) : undefined],
    ...progress.disks.map((disk): Fact => {
      const { name, current_bytes: done, total_bytes: total } = disk;
      return [
        'disk',
        `${name}: ${formatBytes(done)} of ${total === null ? '?' : formatBytes(total)}`,
      ];
    }),
    ['error', job.error ?? job.last_error?.message],
    ['attempts', `${job.attempts} of ${job.max_attempts}`],
    ['next attempt', job.attempts === 0 ? undefined : job.next_attempt_at],
    ['created', definition.created_at],
    ['started', job.started_at],
    ['ended', job.completed_at],
    ['priority', definition.priority === 0 ? undefined : definition.priority],
    ['bandwidth', typeof limit === 'number' ? `${formatBytes(limit)}/s` : undefined],
    ['batch', definition.batch_id],
    ['schedule', definition.schedule_id],
    ['worker', job.worker],
    ...resultToFacts(job),
    ...findingsToFacts(job),
  ];
}
